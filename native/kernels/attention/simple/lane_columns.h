// What the lanes of a warp that computes one query row hold of its output, and where it goes.
#pragma once

#include "kernels/attention/epilogue.h"
#include "kernels/attention/schedule.h"

namespace fattn::simple {

constexpr int kLaneColumns = 8;  // of the output, in registers of a lane
constexpr int kPassColumns = simt::kWarpSize * kLaneColumns;

template <class Element>
FATTN_DEVICE void store_result(AttentionParams const& p, SequenceRange const& s, TileRow at,
                               SoftmaxState state, int32_t column,
                               float const (&sums)[kLaneColumns]) {
  FinishedRow const finished = finish_row(p, s, at.query, at.head, state);
  Element* const out = out_row<Element>(p, s, at.query, at.head);
  FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
    int32_t const c = column + simt::lane_index() + i * simt::kWarpSize;
    if (c < p.head_dim_v) out[c] = simt::round_to<Element>(finished.value(sums[i]));
  }
  if (column == 0 && simt::lane_index() == 0) store_lse(p, s, at.query, at.head, finished.lse);
}

FATTN_DEVICE void store_partial(AttentionParams const& p, WorkTile const& tile, TileRow at,
                                SoftmaxState state, int32_t column,
                                float const (&sums)[kLaneColumns]) {
  int64_t const partial = partial_row(p, tile.sequence, at.query, at.head);
  if (column == 0 && simt::lane_index() == 0) store_partial_state(p, tile.chunk, partial, state);
  if (state.row_sum == 0) return;
  float* const out = partial_out_row(p, tile.chunk, partial);
  FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
    int32_t const c = column + simt::lane_index() + i * simt::kWarpSize;
    if (c < p.head_dim_v) out[c] = sums[i];
  }
}

/// Stores a row, or its part of the tile's key range. `sums`: weighted sums of the output columns
/// column + lane, column + lane + 32, …
template <class Element>
FATTN_DEVICE void store_row(AttentionParams const& p, WorkTile const& tile, TileRow at,
                            SoftmaxState state, int32_t column, float const (&sums)[kLaneColumns]) {
  if (p.chunks == 1)
    store_result<Element>(p, tile.sequence, at, state, column, sums);
  else
    store_partial(p, tile, at, state, column, sums);
}

}  // namespace fattn::simple
