// The key source of sparse attention: of all keys, those that some row of the task keeps, in
// ascending order. They number little more than a row keeps itself, so that the dense kernel on
// them does little more than what is asked for; which row keeps which of them is tested per
// element.
//
// Nothing falls back to a pass over all keys: where every key is kept, gathering costs what such a
// pass would, with a bias per key (bench dynamic-mask, "keeps all": 1.00 of it on Zen 4).
#pragma once

#include "backends/cpu/attention/scores.h"
#include "backends/cpu/attention/softmax.h"

namespace fattn::cpu {

template <class Isa>
class GatheredKeys {
 public:
  using F = typename Isa::F;
  using I = typename Isa::I;

  GatheredKeys(AttentionPlan const& plan, Sequence const& seq, HeadGroup const& group,
               PrefillScratch const& scratch)
      : s_(scratch), keys_(*plan.sparse), causal_(plan.head_masks[0].causal) {
    seq_kv_ = seq.seq_kv;
    aligned_ = seq.seq_kv - seq.seq_q;
    int64_t const place = seq.batch * keys_.batch + group.score_head * keys_.head;
    if (keys_.form == SparseKeys::Form::kBlocks) {
      starts_ = keys_.block_starts + place;
      return;
    }
    first_row_ = keys_.rows + place + seq.first_key;
    end_row_ = first_row_ + keys_.end;
    if (!keys_.scores) return;
    scores_ = keys_.scores + seq.batch * keys_.scores_batch + group.score_head * keys_.scores_head +
              seq.first_key * keys_.scores_key;
  }

  void start(RowBlockLimits const& limits, int rows, int) {
    queries_ = {};
    for (int t = 0; t * kRowsPerTile < rows; ++t) {
      queries_.add(s_.tile_queries[t].least);
      queries_.add(s_.tile_queries[t].most);
    }
    next_ = 0;
    stop_ = keys_.form == SparseKeys::Form::kList ? first_row_[0] : limits.max_hi;
    if (keys_.form != SparseKeys::Form::kBlocks) return;
    entry_ = starts_[queries_.least / keys_.block_rows];
    last_entry_ = starts_[queries_.least / keys_.block_rows + 1];
  }

  bool next() {
    count_ = 0;
    if (keys_.form == SparseKeys::Form::kIntervals) scan();
    if (keys_.form == SparseKeys::Form::kList) walk_list();
    if (keys_.form == SparseKeys::Form::kBlocks) walk_blocks();
    for (int j = count_; j < kColumns; ++j) {
      token_[j] = count_ > 0 ? token_[count_ - 1] : 0;
      first_[j] = INT32_MAX;
      end_[j] = 0;
      bias_[j] = 0;
    }
    return count_ > 0;
  }

  int64_t token(int j) const { return token_[j]; }

  bool columns(int t, int& begin, int& end) const {
    begin = end = 0;
    for (int c = 0; c < count_; c += kLanes) {
      if (!any(kept(first_ + c, end_ + c, s_.tile_queries[t]))) continue;
      if (end == 0) begin = c;
      end = c + kLanes < count_ ? c + kLanes : count_;
    }
    return end > 0;
  }

  bool whole(int, int, int) const { return false; }

  F mask_row(RowInfo const& row, float* scores, int begin, int end) const {
    F most = Isa::set1(-__builtin_inff());
    F const hidden = most, scale = Isa::set1(row.scale * kLog2E);
    QueryRange const query{row.query, row.query};
    for (int c = begin; c < end; c += kLanes) {
      F x = Isa::fma(Isa::load(scores + c), scale, Isa::load(bias_ + c));
      x = Isa::select(kept(first_ + c, end_ + c, query), x, hidden);
      Isa::store(scores + c, x);
      most = Isa::max(most, x);
    }
    return most;
  }

  float unit() const { return 1; }

  /// A score of -inf hides a key.
  bool sees(RowInfo const& row, int j) const {
    return first_[j] <= row.query && end_[j] > row.query && bias_[j] != -__builtin_inff();
  }

 private:
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kColumns = kBlockKeys + 2 * kMaxLanes;  // packing asks that far ahead

  /// All ones where some query of the range keeps the key.
  [[gnu::always_inline]] static I kept(int32_t const* first, int32_t const* end,
                                       QueryRange const& queries) {
    return (Isa::load(first) <= queries.most) & (Isa::load(end) > queries.least);
  }

  [[gnu::always_inline]] static bool any(I mask) {
    F const ones = Isa::select(mask, Isa::set1(1.0f), Isa::zero());
    return Isa::template reduce<MaxOf<Isa>>(ones) > 0;
  }

  /// Collects the next keys that some query of the task keeps, up to a block of them.
  void scan() {
    while (next_ < stop_ && count_ < kBlockKeys) {
      int const lanes = stop_ - next_ < kLanes ? stop_ - next_ : kLanes;
      if (lanes == kLanes && !any(kept(first_row_ + next_, end_row_ + next_, queries_))) {
        next_ += kLanes;
        continue;
      }
      int const last = next_ + lanes;
      for (; next_ < last && count_ < kBlockKeys; ++next_) {
        if (first_row_[next_] <= queries_.most && end_row_[next_] > queries_.least) add(next_);
      }
    }
  }

  void walk_list() {
    for (; next_ < stop_ && count_ < kBlockKeys; ++next_) {
      set(first_row_[1 + next_], 0, INT32_MAX, next_);
    }
  }

  /// `next_` counts within the block of keys at hand.
  void walk_blocks() {
    for (; entry_ < last_entry_ && count_ < kBlockKeys; ++entry_, next_ = 0) {
      int32_t const entry = keys_.block_entries[entry_];
      int const begin = entry / 2 * keys_.block_keys;
      int const keys = begin >= seq_kv_                     ? 0
                       : seq_kv_ - begin < keys_.block_keys ? seq_kv_ - begin
                                                            : keys_.block_keys;
      for (; next_ < keys && count_ < kBlockKeys; ++next_) {
        int const first = causal_ && entry % 2 == 0 ? begin + next_ - aligned_ : 0;
        if (first <= queries_.most) set(begin + next_, first, INT32_MAX, 0);
      }
      if (next_ < keys) return;  // the rest of it belongs to the next step
    }
  }

  void add(int key) {
    int const earliest = causal_ ? key - aligned_ : 0;
    set(key, first_row_[key] > earliest ? first_row_[key] : earliest, end_row_[key], key);
  }

  /// `place`: of its score.
  void set(int key, int first, int end, int place) {
    float const score = scores_ ? scores_[place * keys_.scores_key] : 0;
    token_[count_] = key;
    first_[count_] = first;
    end_[count_] = end;
    bias_[count_] = score == score ? score * kLog2E : -__builtin_inff();  // NaN counts as -inf
    ++count_;
  }

  PrefillScratch const& s_;
  SparseKeys const& keys_;
  bool const causal_;
  int seq_kv_, aligned_;
  int32_t const *first_row_ = nullptr, *end_row_ = nullptr;  // by key; or the list
  int64_t const* starts_ = nullptr;                          // by block of queries
  float const* scores_ = nullptr;                            // by key, or as listed
  QueryRange queries_;                                       // of the task
  int next_ = 0, stop_ = 0, count_ = 0;
  int64_t entry_ = 0, last_entry_ = 0;

  // Of the block at hand, by column.
  int32_t token_[kColumns];
  int32_t first_[kColumns];  // first query that keeps the key
  int32_t end_[kColumns];    // and the one behind the last
  float bias_[kColumns];     // log2 units
};

}  // namespace fattn::cpu
