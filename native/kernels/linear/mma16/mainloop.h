// The loop over the depth of a block's product: copy, multiply.
#pragma once

#include "kernels/linear/mma16/traits.h"
#include "kernels/mma16/copy.h"
#include "kernels/mma16/multiply.h"

namespace fattn::mma16 {

/// Puts down where the block's rows of x and out lie, for all its threads once they have met.
template <class Traits>
FATTN_DEVICE void keep_offsets(LinearParams const& p, LinearTile const& tile,
                               simt::SharedMemory memory) {
  bool const of_x = simt::thread_index() < Traits::kBlockM;
  int const row = simt::thread_index() % Traits::kBlockM;
  bool const exists = tile.row + row < p.rows;
  int64_t const at = exists ? tile.row + row : tile.row;
  memory.at<int64_t>(of_x ? Traits::kXOffsets : Traits::kOutOffsets)
      .store(row, of_x ? p.x.offset(at) : p.out.offset(at));
}

/// The rows of x that the block multiplies, as a source of rows from some column on.
template <class Element>
struct TileX {
  Element const* start;
  simt::Shared<int64_t> offsets;
  int32_t count;

  FATTN_DEVICE bool has(int32_t row) const { return row < count; }
  FATTN_DEVICE Element const* row(int32_t row) const { return start + offsets.load(row); }
};

/// The same of w.
template <class Element>
struct TileW {
  Element const* start;
  int64_t stride;
  int32_t count;

  FATTN_DEVICE bool has(int32_t row) const { return row < count; }
  FATTN_DEVICE Element const* row(int32_t row) const { return start + row * stride; }
};

/// The operands of a block.
template <class Traits>
struct LinearSources {
  using Element = typename Traits::Element;
  TileX<Element> x;
  TileW<Element> w;
  int32_t width;

  FATTN_DEVICE LinearSources(LinearParams const& p, LinearTile const& tile,
                             simt::SharedMemory memory)
      : x{static_cast<Element const*>(p.x.data), memory.at<int64_t>(Traits::kXOffsets),
          rest(p.rows - tile.row, Traits::kBlockM)},
        w{static_cast<Element const*>(p.w) + tile.column * p.w_row, p.w_row,
          rest(p.columns - tile.column, Traits::kBlockN)},
        width(p.in) {}

  /// Starts copying columns from kDepth step on to the stage of that step. Nothing where there are
  /// none, but the groups of copies are counted.
  FATTN_DEVICE void start(simt::SharedMemory memory, int32_t step) const {
    int32_t const column = step * Traits::kDepth;
    if (column >= width) {
      simt::commit_copies();
      simt::commit_copies();
      return;
    }
    int const stage = step % Traits::kStages * Traits::kStageBytes;
    TileX<Element> const x_here{x.start + column, x.offsets, x.count};
    TileW<Element> const w_here{w.start + column, w.stride, w.count};
    start_copy<Traits::kThreads, Traits::kBlockM, Traits::kDepth>(memory, stage + Traits::kX,
                                                                  x_here, 0, width - column);
    start_copy<Traits::kThreads, Traits::kBlockN, Traits::kDepth>(memory, stage + Traits::kW,
                                                                  w_here, 0, width - column);
  }

 private:
  FATTN_DEVICE static int32_t rest(int64_t left, int32_t most) {
    return left < most ? static_cast<int32_t>(left) : most;
  }
};

template <class Traits>
struct LinearSums {
  float at[Traits::kStrips][Traits::kTiles][4];
};

/// Where a warp stands in the block.
template <class Traits>
struct WarpPlace {
  int down, across;

  FATTN_DEVICE WarpPlace() {
    down = simt::warp_index() / Traits::kWarpsAcross;
    across = simt::warp_index() % Traits::kWarpsAcross;
  }
};

/// sums = x w^T of the warp's rows and columns. When it returns, all copies have landed, but other
/// warps may still read what they brought. kStages stages, of which kStages - 1 are on their way.
template <class Traits>
FATTN_DEVICE void multiply_depth(LinearParams const& p, LinearTile const& tile,
                                 simt::SharedMemory memory, LinearSums<Traits>& sums) {
  constexpr int kAhead = Traits::kStages - 1;
  LinearSources<Traits> const sources(p, tile, memory);
  int const lane = simt::lane_index();
  WarpPlace<Traits> const warp;
  int const x_row = warp.down * Traits::kWarpRows + lane % 16;
  int const w_row = warp.across * Traits::kWarpColumns + lane % 8 + lane / 16 * 8;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kTiles; ++n)
          FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) sums.at[s][n][i] = 0;
  FATTN_UNROLL_DEVICE for (int step = 0; step < kAhead; ++step) sources.start(memory, step);
  for (int32_t step = 0; step * Traits::kDepth < p.in; ++step) {
    simt::wait_copies<2 * (kAhead - 1)>();
    simt::sync_block();  // this step's panels are there, and the last step's are used
    sources.start(memory, step + kAhead);
    int const stage = step % Traits::kStages * Traits::kStageBytes;
    PanelChunk<Traits::kBlockM> const x(memory, stage + Traits::kX, x_row, lane / 16);
    PanelChunk<Traits::kBlockN> const w(memory, stage + Traits::kW, w_row, lane / 8 % 2);
    multiply_rows<typename Traits::Element, Traits::kDepth / 16>(sums.at, x, w);
  }
  simt::wait_copies<0>();
}

}  // namespace fattn::mma16
