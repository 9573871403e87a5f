// The path that serves everything and the one to read first: any dtype, size, stride and alignment,
// no tensor cores. A warp computes 8 rows by 4 columns; elements of x and w lie across its lanes,
// and in the end each lane has one of the 32 sums.
#pragma once

#include "kernels/linear/params.h"
#include "kernels/warp.h"

namespace fattn {

template <class Element>
struct SimpleLinear {
  using Params = LinearParams;
  static constexpr int kWarps = 4;  // side by side: they share rows of x
  static constexpr int kThreads = simt::kWarpSize * kWarps;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;
  static constexpr int kTileRows = 8;
  static constexpr int kWarpColumns = simt::kWarpSize / kTileRows;
  static constexpr int kTileColumns = kWarpColumns * kWarps;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    LinearTile tile = find_linear_tile<kTileRows, kTileColumns>(p);
    tile.column += simt::warp_index() * kWarpColumns;
    if (tile.column >= p.columns) return;
    float const sum = multiply(p, tile);
    int64_t const row = tile.row + simt::lane_index() / kWarpColumns;
    int32_t const column = tile.column + simt::lane_index() % kWarpColumns;
    if (row >= p.rows || column >= p.columns) return;
    float const bias = p.bias ? simt::to_float(static_cast<Element const*>(p.bias)[column]) : 0;
    p.out.row<Element>(row)[column] = simt::round_to<Element>(p.bias ? sum + bias : sum);
  }

 private:
  /// The sum of row lane / kWarpColumns and column lane % kWarpColumns of the tile. Rows and
  /// columns that are not there are not read.
  FATTN_DEVICE static float multiply(Params const& p, LinearTile const& tile) {
    Element const* x[kTileRows];
    FATTN_UNROLL for (int r = 0; r < kTileRows; ++r) x[r] =
        p.x.row<Element const>(tile.row + r < p.rows ? tile.row + r : tile.row);
    Element const* const w = static_cast<Element const*>(p.w) + tile.column * p.w_row;
    float sums[simt::kWarpSize] = {};
    for (int32_t c = simt::lane_index(); c < p.in; c += simt::kWarpSize) {
      float weights[kWarpColumns];
      FATTN_UNROLL for (int n = 0; n < kWarpColumns; ++n) {
        bool const has = tile.column + n < p.columns;
        weights[n] = has ? simt::to_float(w[n * p.w_row + c]) : 0;
      }
      FATTN_UNROLL for (int r = 0; r < kTileRows; ++r) {
        if (tile.row + r >= p.rows) continue;
        float const value = simt::to_float(x[r][c]);
        FATTN_UNROLL for (int n = 0; n < kWarpColumns; ++n) sums[r * kWarpColumns + n] =
            simt::fused_multiply_add(value, weights[n], sums[r * kWarpColumns + n]);
      }
    }
    return warp_sum_transposed(sums);
  }
};

}  // namespace fattn
