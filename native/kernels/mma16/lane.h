// Where a thread stands in its warp and which elements of fragments it holds (fragments.h).
#pragma once

#include "simt/simt.h"

namespace fattn::mma16 {

/// A thread's warp and lane, worked out anew wherever it is asked for: what follows from them would
/// else be worked out ahead of the loop over the keys, and wait for its use in a register.
struct Place {
  int warp, lane;

  FATTN_DEVICE Place() {
    uint32_t const thread = simt::opaque(static_cast<uint32_t>(simt::thread_index()));
    warp = static_cast<int>(thread / simt::kWarpSize);
    lane = static_cast<int>(thread % simt::kWarpSize);
  }
  /// Row of the block's tile that the lane's elements [strip][...][2 half + ...] belong to, where
  /// warps share out the rows.
  template <class Traits>
  FATTN_DEVICE int row(int strip, int half) const {
    return warp * Traits::kWarpRows + 16 * strip + 8 * half + lane / 4;
  }
  /// Column of the lane's elements [0][0]; that of [n][i] is column_after(n, i) further.
  FATTN_DEVICE int first_column() const { return 2 * (lane % 4); }
  /// The first of the four lanes that share a row.
  FATTN_DEVICE bool first_of_row() const { return lane % 4 == 0; }
};

FATTN_DEVICE constexpr int column_after(int n, int i) { return 8 * n + i % 2; }

}  // namespace fattn::mma16
