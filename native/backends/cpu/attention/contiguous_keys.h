// The key-source axis of the prefill kernel, and its first value: keys in the order in which they
// lie. A source says which token the j-th key of the block at hand is, which columns of the block a
// tile of rows needs, and how the raw products of those become masked scores.
#pragma once

#include "backends/cpu/attention/scores.h"

namespace fattn::cpu {

template <class Isa>
class ContiguousKeys {
 public:
  using F = typename Isa::F;

  ContiguousKeys(AttentionPlan const& plan, Sequence const& seq, HeadGroup const&,
                 PrefillScratch const& scratch)
      : plan_(plan), seq_(seq), s_(scratch) {}

  /// Before the first block of a task of `rows` rows with these limits in all.
  void start(RowBlockLimits const& limits, int rows, int chunk) {
    limits_ = limits;
    rows_ = rows;
    next_ = 0;
    end_ = limits.max_hi > limits.max_sink ? limits.max_hi : limits.max_sink;
    if (seq_.chunks > 1) {
      next_ = int64_t{chunk} * kPrefillChunkKeys;
      end_ = end_ < next_ + kPrefillChunkKeys ? end_ : next_ + kPrefillChunkKeys;
    }
    if (limits.max_sink <= next_ && limits.min_lo > next_) {
      next_ = limits.min_lo / kBlockKeys * kBlockKeys;
    }
  }

  /// Moves on to the next block that some row may see; false behind the last.
  bool next() {
    for (; next_ < end_; next_ += kBlockKeys) {
      key_ = static_cast<int>(next_);
      count_ = seq_.seq_kv - key_ < kBlockKeys ? seq_.seq_kv - key_ : kBlockKeys;
      if (limits_.hides(key_, key_ + count_)) continue;
      segments_ = SegmentRange();
      for (int j = 0; plan_.has_segments && j < count_; ++j) {
        segments_.add(seq_.segments_k[(key_ + j) * seq_.segment_stride_k]);
      }
      next_ += kBlockKeys;
      return true;
    }
    return false;
  }

  /// May be asked for keys behind the block, which are then only prefetched.
  int64_t token(int j) const { return int64_t{key_} + j; }

  /// The columns [begin, end) of the block that rows of tile `t` may see; false if there are none.
  bool columns(int t, int& begin, int& end) const {
    RowBlockLimits const& tile = s_.tile_limits[t];
    if (tile.hides(key_, key_ + count_)) return false;
    if (plan_.has_segments && !segments_.meets(s_.tile_segments[t])) return false;
    begin = 0;
    end = tile.max_hi > tile.max_sink ? tile.max_hi - key_ : tile.max_sink - key_;
    if (tile.max_sink <= key_ && tile.min_lo > key_) begin = tile.min_lo - key_;
    if (end > count_) end = count_;
    return !plan_.mask.data || mask_shows(t, key_ + begin, key_ + end);
  }

  /// Whether each row of the tile sees each of these columns, and its scores are raw products.
  bool whole(int t, int begin, int end) const {
    return plan_.plain_scores && end <= count_ && s_.tile_limits[t].shows(key_ + begin, key_ + end);
  }

  /// Raw products of a row become what `unit()` turns into log2 units, hidden ones -inf. Returns
  /// the vector of maxima.
  F mask_row(RowInfo const& row, float* scores, int begin, int end) const {
    if (plan_.plain_scores) return Scores<Isa>::limit_row(row, scores, key_, begin, end);
    return Scores<Isa>::modify_row(plan_, seq_, row, scores, key_, begin, end);
  }

  float unit() const { return plan_.plain_scores ? plan_.scale * kLog2E : 1.0f; }

  bool sees(RowInfo const& row, int j) const { return row_sees<Isa>(plan_, seq_, row, key_ + j); }

 private:
  /// Whether the boolean mask keeps any pair of the tile: what it hides wholly is not computed.
  bool mask_shows(int t, int key, int end) const {
    int const last = rows_ < (t + 1) * kRowsPerTile ? rows_ : (t + 1) * kRowsPerTile;
    char any = 0;
    for (int r = t * kRowsPerTile; r < last && !any; ++r) {
      char const* mask = s_.rows.info[r].mask;
      for (int64_t j = key; j < end; ++j) any |= mask[j * plan_.mask.key];
    }
    return any != 0;
  }

  AttentionPlan const& plan_;
  Sequence const& seq_;
  PrefillScratch const& s_;
  RowBlockLimits limits_ = RowBlockLimits::none();
  SegmentRange segments_;  // of the block at hand
  int64_t next_ = 0, end_ = 0;
  int key_ = 0, count_ = 0;  // the block at hand
  int rows_ = 0;
};

}  // namespace fattn::cpu
