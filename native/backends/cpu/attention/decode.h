// The decode kernel: a few query rows against one chunk of keys, streamed once from memory and
// shared by all heads of a group. Nothing is packed: some keys at a time meet the rows of every
// group while they are in registers. That order jumps between tokens, which halves the bandwidth
// where the hardware prefetcher is left alone (measured on Zen 5: 18 of 42 GB/s); so every step
// also asks for the cache lines some way ahead in the order in which they lie, which restores it.
#pragma once

#include "backends/cpu/attention/key_product.h"
#include "backends/cpu/attention/value_product.h"

namespace fattn::cpu {

template <class Isa>
class Decode {
 public:
  static void run(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
    Decode kernel(plan, task, scratch);
    kernel.describe_rows();
    kernel.look_ahead(task.chunk * kDecodeChunkKeys, kernel.end_of(task.chunk_end - 1));
    with_source<Isa>(plan.k.dtype, [&]<class Source>() {
      for (int chunk = task.chunk; chunk < task.chunk_end; ++chunk) {
        if (plan.stopped(plan.job)) return;
        kernel.clear();
        int const end = kernel.end_of(chunk);
        for (int key = chunk * kDecodeChunkKeys; key < end; key += kDecodeBlockKeys) {
          int const count = end - key < kDecodeBlockKeys ? end - key : kDecodeBlockKeys;
          kernel.template block<Source>(key, count);
        }
        kernel.template store<Source>(chunk);
      }
    });
  }

 private:
  static constexpr int kLanes = Isa::kLanes;
  using F = typename Isa::F;

  Decode(AttentionPlan const& plan, AttentionTask const& task, void* scratch)
      : plan_(plan), task_(task), seq_(plan.sequences[task.sequence]) {
    Arena arena{static_cast<char*>(scratch)};
    s_ = DecodeScratch::lay_out(arena, task.group_end - task.group_begin, plan.head_dim,
                                plan.head_dim_v);
  }

  int end_of(int chunk) const {
    int const begin = chunk * kDecodeChunkKeys;
    bool const last = seq_.seq_kv - begin < kDecodeChunkKeys;
    return last ? seq_.seq_kv : begin + kDecodeChunkKeys;
  }

  /// The heads of the task's groups, from the first in memory to the last.
  struct Span {
    int32_t first = INT32_MAX, last = 0;
    void add(int32_t head) {
      first = head < first ? head : first;
      last = head > last ? head : last;
    }
    int64_t bytes(Operand const& t, int64_t dim) const {
      return ((last - first) * t.head + dim) * size_of(t.dtype);
    }
  };

  Ahead ahead_of(Operand const& t, int64_t base, int begin, int end, Span heads, int64_t dim,
                 bool in_order) const {
    int64_t const size = size_of(t.dtype), span = heads.bytes(t, dim);
    char const* first = t.data + (base + begin * t.row + heads.first * t.head) * size;
    // Further than a step reaches, where its lines are not read in the order in which they lie.
    int64_t const distance = (in_order ? 0 : step_keys_ * span) + kAheadBytes;
    return Ahead(first, first + (end - begin) * t.row * size, span, t.row * size,
                 distance < kMostAheadBytes ? distance : kMostAheadBytes);
  }

  /// Steps as long as their keys stay in the first-level cache, where they are read more than once
  /// or out of order; several groups' do so only if most of it is left to what is asked for.
  void look_ahead(int begin, int end) {
    Span k, v;
    for (int g = task_.group_begin; g < task_.group_end; ++g) {
      k.add(plan_.groups[g].k_head);
      v.add(plan_.groups[g].v_head);
    }
    int64_t const span = k.bytes(plan_.k, plan_.head_dim);
    bool const one_group = task_.group_end - task_.group_begin == 1;
    int64_t const step_bytes = one_group ? 32 * 1024 : 8 * 1024;
    while (step_keys_ < kDecodeBlockKeys && step_keys_ * 2 * span <= step_bytes) step_keys_ *= 2;
    k_ahead_ = ahead_of(plan_.k, seq_.k, begin, end, k, plan_.head_dim, one_group);
    v_ahead_ = ahead_of(plan_.v, seq_.v, begin, end, v, plan_.head_dim_v,
                        one_group && plan_.head_dim_v <= 4 * kLanes);
  }

  /// Query rows of a group of the task.
  int rows_of(int g) const { return plan_.groups[task_.group_begin + g].count * seq_.seq_q; }

  /// Rows lie without gaps, or the states of all groups would not share the first-level cache.
  void describe_rows() {
    for (int g = 0; g < task_.group_end - task_.group_begin; ++g) {
      HeadGroup const& group = plan_.groups[task_.group_begin + g];
      int const rows = rows_of(g), padded = rows <= 2 ? rows : (rows + 3) / 4 * 4;
      first_[g] = rows_;
      rows_ += padded;
      int const least_step = Isa::kDecodeSums / (padded <= 2 ? 1 : 2);
      if (step_keys_ < least_step) step_keys_ = least_step;
      limits_[g] = RowBlockLimits::none();
      float* q = s_.q + first_[g] * s_.q_stride;
      for (int64_t c = 0; c < padded * s_.q_stride; c += kLanes) Isa::store(q + c, Isa::zero());
      for (int r = 0; r < padded; ++r) {
        RowInfo& row = s_.rows.info[first_[g] + r];
        row.head = -1;  // padding
        if (r >= rows) continue;
        int const head = plan_.group_heads[group.first + r / seq_.seq_q];
        row = describe_row<Isa>(plan_, seq_, head, r % seq_.seq_q);
        limits_[g].add(row.limits);
        with_source<Isa>(plan_.q.dtype, [&]<class Source>() {
          auto const* source = row_of<Source>(plan_.q, seq_.q, row.query, plan_.q_heads[head]);
          pack_query<Source>(rows, source, r, q);
        });
      }
    }
  }

  template <class Source>
  void pack_query(int rows, typename Source::Element const* source, int r, float* q) {
    int const depth = plan_.head_dim;
    float* set = q + r / 4 * 4 * s_.q_stride;
    if (rows == 1) return KeyProduct<Isa, Source, 1>::pack(source, depth, 0, set);
    if (rows == 2) return KeyProduct<Isa, Source, 2>::pack(source, depth, r, set);
    KeyProduct<Isa, Source, 4>::pack(source, depth, r % 4, set);
  }

  template <class Source>
  void block(int key, int count) {
    for (int j = 0; j < count; j += step_keys_) {
      int const keys = count - j < step_keys_ ? count - j : step_keys_;
      for_visible_sets(key, count, [&]<int kRows>(HeadGroup const& group, int row) {
        auto const* k = row_of<Source>(plan_.k, seq_.k, key + j, group.k_head);
        KeyProduct<Isa, Source, kRows>::score(s_.q + row * s_.q_stride, k, plan_.k.row, keys,
                                              plan_.head_dim,
                                              s_.scores + row * kDecodeBlockKeys + j, k_ahead_);
      });
    }
    bool whole = plan_.plain_scores;
    for (int g = 0; g < task_.group_end - task_.group_begin; ++g) {
      if (limits_[g].hides(key, key + count)) continue;
      bool const shown = limits_[g].shows(key, key + count);
      whole &= shown;
      for (int r = first_[g]; r < first_[g] + rows_of(g); ++r) weigh_row_of(r, key, count, shown);
    }
    bool const guarded = !whole && has_bad_values<Source>(key, count);
    for (int j = 0; j < count; j += step_keys_) {
      int const keys = count - j < step_keys_ ? count - j : step_keys_;
      for_visible_sets(key, count, [&]<int kRows>(HeadGroup const& group, int row) {
        auto const* v = row_of<Source>(plan_.v, seq_.v, key + j, group.v_head);
        if (guarded) return add_guarded<Source, kRows>(row, key, j, keys, v);
        add_values<Source, kRows>(row, j, keys, v);
      });
    }
  }

  /// Calls body<kRows>(group, first row) for sets of 1, 2 or 4 rows of the groups that see a key of
  /// [key, key + count). The rows of a set beyond the group's are zero and ignored.
  template <class Body>
  [[gnu::always_inline]] void for_visible_sets(int key, int count, Body body) {
    for (int g = 0; g < task_.group_end - task_.group_begin; ++g) {
      if (limits_[g].hides(key, key + count)) continue;
      HeadGroup const& group = plan_.groups[task_.group_begin + g];
      int const rows = rows_of(g), first = first_[g];
      if (rows == 1) {
        body.template operator()<1>(group, first);
      } else if (rows == 2) {
        body.template operator()<2>(group, first);
      } else {
        for (int r = 0; r < rows; r += 4) body.template operator()<4>(group, first + r);
      }
    }
  }

  /// Masks, updates the running maximum, turns scores into weights and rescales the row's sums.
  void weigh_row_of(int r, int key, int count, bool whole) {
    float* scores = s_.scores + r * kDecodeBlockKeys;
    int const end = static_cast<int>(round_up(count, kLanes));
    RowInfo const& row = s_.rows.info[r];
    F most_of;
    if (!plan_.plain_scores) {
      most_of = Scores<Isa>::modify_row(plan_, seq_, row, scores, key, 0, end);
    } else if (!whole || end != count) {
      most_of = Scores<Isa>::limit_row(row, scores, key, 0, end);
    } else {
      most_of = Isa::load(scores);
      for (int c = kLanes; c < end; c += kLanes) most_of = Isa::max(Isa::load(scores + c), most_of);
    }
    float const unit = plan_.plain_scores ? plan_.scale * kLog2E : 1.0f;
    float const tile_most = Isa::template reduce<MaxOf<Isa>>(most_of) * unit;
    float const old = s_.rows.row_max[r];
    float const most = tile_most > old ? tile_most : old;
    F const sums = weigh_row<Isa, F32Product<Isa>>(scores, nullptr, unit, most, 0, end);
    float* lane_sums = s_.lane_sums + r * kLanes;
    if (most == old) return Isa::store(lane_sums, Isa::load(lane_sums) + sums);

    s_.rows.row_max[r] = most;
    F const shrink = exp2_nonpositive<Isa>(Isa::set1(old - most));
    Isa::store(lane_sums, Isa::fma(Isa::load(lane_sums), shrink, sums));
    float* out = s_.rows.out + r * s_.rows.out_stride;
    for (int64_t c = 0; c < s_.rows.out_stride; c += kLanes) {
      Isa::store(out + c, Isa::load(out + c) * shrink);
    }
  }

  template <class Source, int kRows>
  void add_values(int row, int j, int keys, typename Source::Element const* v) {
    ValueProduct<Isa, Source, kRows>::add(
        s_.scores + row * kDecodeBlockKeys + j, v, plan_.v.row, keys, plan_.head_dim_v,
        s_.rows.out + row * s_.rows.out_stride, s_.rows.out_stride, v_ahead_);
  }

  /// Whether a value of [key, key + count) that a group may see is infinite or NaN.
  template <class Source>
  bool has_bad_values(int key, int count) {
    typename Isa::I finite = Isa::set1(-1);
    for (int j = 0; j < count; ++j) {
      for_visible_sets(key, count, [&]<int kRows>(HeadGroup const& group, int) {
        auto const* v = row_of<Source>(plan_.v, seq_.v, key + j, group.v_head);
        for (int c = 0; c < plan_.head_dim_v; c += kLanes) {
          F const x = load_upto<Isa, Source>(v + c, plan_.head_dim_v - c);
          finite &= (x - x == 0.0f);
        }
      });
    }
    bool bad = false;
    for (int i = 0; i < kLanes; ++i) bad |= finite[i] == 0;
    return bad;
  }

  /// As add_values, pair by pair: an invisible key must not reach a row even if its value is not
  /// finite.
  template <class Source, int kRows>
  void add_guarded(int row, int key, int j, int keys, typename Source::Element const* v) {
    for (int i = j; i < j + keys; ++i, v += plan_.v.row) {
      for (int r = row; r < row + kRows; ++r) {
        RowInfo const& info = s_.rows.info[r];
        if (info.head < 0 || !row_sees<Isa>(plan_, seq_, info, key + i)) continue;
        add_values<Source, 1>(r, i, 1, v);
      }
    }
  }

  void clear() {
    clear_rows<Isa>(s_.rows, 0, rows_);
    for (int r = 0; r < rows_; ++r) Isa::store(s_.lane_sums + r * kLanes, Isa::zero());
  }

  template <class Source>
  void store(int chunk) {
    for (int r = 0; r < rows_; ++r) {
      ValueProduct<Isa, Source, 1>::order(s_.rows.out + r * s_.rows.out_stride, plan_.head_dim_v);
      s_.rows.row_sum[r] = Isa::template reduce<SumOf<Isa>>(Isa::load(s_.lane_sums + r * kLanes));
    }
    for (int g = 0; g < task_.group_end - task_.group_begin; ++g) {
      for (int r = 0; r < rows_of(g); ++r) {
        store_row<Isa>(plan_, seq_, s_.rows, first_[g] + r, chunk);
      }
    }
  }

  AttentionPlan const& plan_;
  AttentionTask const& task_;
  Sequence const& seq_;
  DecodeScratch s_;
  int rows_ = 0;              // of all groups, padding included
  int step_keys_ = 4;         // keys of a group before the next group's turn
  int first_[kDecodeGroups];  // first row of each group
  RowBlockLimits limits_[kDecodeGroups];
  Ahead k_ahead_, v_ahead_;
};

}  // namespace fattn::cpu
