// Keeps whole blocks of keys: a block that a row keeps by more than half is kept whole, any other
// dropped whole. How many keys of a block a row keeps first rises from row to row and then falls:
// while its own keys arrive, one of them pushes out at most another of them. So the rows that keep
// the block are one run, and two searches find its ends: the first among the rows in which keys of
// the block arrive, the other among those behind. A warp has a block and counts its keys in
// log(rows) steps for either, which takes s log s reads of all blocks together.
#pragma once

#include "kernels/dynamic_mask/selection_params.h"

namespace fattn {

/// The grid has one axis of list_blocks blocks per list; every warp has one block of keys.
struct SmoothSelection {
  using Params = SelectionParams;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = simt::kWarpSize * kWarps;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const block = static_cast<int32_t>(simt::block_index().x);
    int32_t const list = block / p.list_blocks;
    int32_t const number = block % p.list_blocks * kWarps + simt::warp_index();
    KeyBlock const keys(p, list, number);
    if (keys.size <= 0) return;
    Rows const rows = kept_rows(keys);
    for (int32_t j = simt::lane_index(); j < keys.size; j += simt::kWarpSize) {
      int32_t const arrival = keys.sequence.row_of(p, keys.begin + j);
      store_rows(p, list, keys.sequence.first + keys.begin + j,
                 arrival > rows.first ? arrival : rows.first, rows.end);
    }
  }

 private:
  struct Rows {
    int32_t first, end;
  };

  /// Blocks of a packed call are numbered through its sequences, with gaps: those of sequence b
  /// from starts_k[b] / block_keys + b on, which leaves room for all of them.
  struct KeyBlock {
    KeySequence sequence;
    int32_t begin, size;  // within the sequence
    int32_t const* rows;  // of the first key
    int64_t key, end;     // strides

    FATTN_DEVICE KeyBlock(Params const& p, int32_t list, int32_t number) {
      if (p.starts_k) {
        auto const first = [&](int32_t b) { return p.starts_k[b] / p.block_keys + b; };
        int32_t const b = sequences_while(p, [&](int32_t n) { return first(n) <= number; }) - 1;
        sequence = b < 0 ? KeySequence{0, 0, 0} : packed_sequence(p, b);
        if (b >= 0) number -= first(b);
      } else {
        sequence = only_sequence(p, list / p.heads);
      }
      int64_t const at = int64_t{number} * p.block_keys;
      begin = at < sequence.keys ? static_cast<int32_t>(at) : sequence.keys;
      size = sequence.keys - begin < p.block_keys ? sequence.keys - begin : p.block_keys;
      rows = p.intervals.of(list / p.heads, list % p.heads, sequence.first + begin);
      key = p.intervals.key;
      end = p.intervals.end;
    }

    /// Of how many keys of the block holds(first row, row behind the last); all lanes.
    template <class Holds>
    FATTN_DEVICE int32_t count(Holds const& holds) const {
      int32_t found = 0;
      for (int32_t j = simt::lane_index(); j < size; j += simt::kWarpSize) {
        int32_t const* const of = rows + j * key;
        found += of[end] > 0 && holds(of[0], of[end]) ? 1 : 0;
      }
      return simt::reduce_add(found);
    }
  };

  /// The rows that keep more than half of a block; all lanes.
  FATTN_DEVICE static Rows kept_rows(KeyBlock const& keys) {
    int32_t const half = keys.size / 2;
    int32_t const kept = keys.count([](int32_t, int32_t) { return true; });
    if (kept <= half) return {0, 0};
    // Of those that some row keeps the last to come, and where so many have gone that half is left.
    int32_t const last = least(0, keys.sequence.queries, [&](int32_t row) {
      return keys.count([&](int32_t first, int32_t) { return first <= row; }) == kept;
    });
    int32_t const end = least(0, keys.sequence.queries, [&](int32_t row) {
      return keys.count([&](int32_t, int32_t end) { return end <= row; }) >= kept - half;
    });
    // Where they never were more than half at a time, that is before the last came: no row is left.
    int32_t const first = least(0, last, [&](int32_t row) {
      return keys.count([&](int32_t first, int32_t end) { return first <= row && row < end; }) >
             half;
    });
    return {first, end};
  }

  /// The least row of low .. high for which holds(row), as it does for all above, among them high.
  template <class Holds>
  FATTN_DEVICE static int32_t least(int32_t low, int32_t high, Holds const& holds) {
    while (low < high) {
      int32_t const middle = low + (high - low) / 2;
      if (holds(middle))
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

}  // namespace fattn
