// From a warp's sums to global memory.
#pragma once

#include "kernels/linear/mma16/mainloop.h"

namespace fattn::mma16 {

/// Adds the bias and lays the warp's results, rounded, in a panel of its own.
template <class Traits>
FATTN_DEVICE void lay_results(LinearParams const& p, LinearTile const& tile,
                              simt::SharedMemory memory, LinearSums<Traits> const& sums) {
  using Element = typename Traits::Element;
  Place const place;
  auto const* const bias = static_cast<Element const*>(p.bias);
  int32_t const first =
      tile.column + WarpPlace<Traits>().across * Traits::kWarpColumns + place.first_column();
  // Rows l / 4 mod 8 of one chunk, four lanes each: every bank once.
  int const panel = place.warp * Traits::kResultBytes;
  PanelChunk<Traits::kWarpRows> const even(memory, panel, place.lane / 4, 0);
  PanelChunk<Traits::kWarpRows> const odd(memory, panel, place.lane / 4, 1);
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kTiles; ++n) {
    bool const biased = bias && first + 8 * n < p.columns;  // which come in eights
    float const low = biased ? simt::to_float(bias[first + 8 * n]) : 0;
    float const high = biased ? simt::to_float(bias[first + 8 * n + 1]) : 0;
    FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
        FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
      float const* const sum = sums.at[s][n] + 2 * half;
      (n % 2 ? odd : even)
          .at(16 * s + 8 * half, n / 2)
          .template as<uint32_t>()
          .store(place.lane % 4, bias ? simt::pack<Element>(sum[0] + low, sum[1] + high)
                                      : simt::pack<Element>(sum[0], sum[1]));
    }
  }
}

/// Copies the warp's results to their rows. Eight lanes store 128 bytes of a row.
template <class Traits>
FATTN_DEVICE void store_results(LinearParams const& p, LinearTile const& tile,
                                simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  Place const place;
  WarpPlace<Traits> const warp;
  int const chunk = place.lane % 8;
  int32_t const column = tile.column + warp.across * Traits::kWarpColumns + chunk * 8;
  if (column >= p.columns) return;
  FATTN_ROLLED_DEVICE for (int step = 0; step < Traits::kWarpRows; step += 4) {
    int const row = step + place.lane / 8, row_of_block = warp.down * Traits::kWarpRows + row;
    if (tile.row + row_of_block >= p.rows) return;
    Element* const out = static_cast<Element*>(p.out.data) +
                         memory.at<int64_t>(Traits::kOutOffsets).load(row_of_block) + column;
    PanelChunk<Traits::kWarpRows> const own(memory, place.warp * Traits::kResultBytes, row, chunk);
    *reinterpret_cast<simt::Quad*>(out) = own.at(0, 0).load();
  }
}

}  // namespace fattn::mma16
