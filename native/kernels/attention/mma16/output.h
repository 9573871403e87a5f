// From a warp's accumulators to global memory.
#pragma once

#include "kernels/attention/epilogue.h"
#include "kernels/attention/mma16/weights.h"
#include "kernels/mma16/panel.h"

namespace fattn::mma16 {

/// The state of a lane's row, its sum gathered from the four lanes that share the row.
FATTN_DEVICE SoftmaxState gathered(SoftmaxState state) {
  state.row_sum += simt::shuffle_xor(state.row_sum, 1);
  state.row_sum += simt::shuffle_xor(state.row_sum, 2);
  return state;
}

/// Finishes the rows: stores their log-sum-exp, and lays their outputs, rounded, where the warp's
/// queries were.
template <class Traits>
FATTN_DEVICE void finish_rows(AttentionParams const& p, simt::SharedMemory memory,
                              Accumulators<Traits> const& acc) {
  WorkTile const tile = kept_tile<Traits>(memory).load();
  Place const place;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    int const row = place.row<Traits>(s, half);
    SoftmaxState const state = gathered(acc.row[s][half]);
    int32_t const query = kept_row<Traits>(memory, row).load().query;
    FinishedRow finished{0, 0, true};
    if (query >= 0) {
      int32_t const head = head_of(p, tile, row, query);
      finished = finish_row(p, tile.sequence, query, head, state);
      if (place.first_of_row()) store_lse(p, tile.sequence, query, head, finished.lse);
    }
    // Rows l / 4 mod 8 of one chunk, four lanes each: every bank once.
    PanelChunk<Traits::kBlockM> const even(memory, Traits::kQuery, row, 0);
    PanelChunk<Traits::kBlockM> const odd(memory, Traits::kQuery, row, 1);
    FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kHeadDim / 8; ++n) {
      float const* const value = acc.out[s][n] + 2 * half;
      auto const chunk = (n % 2 ? odd : even).at(0, n / 2).template as<uint32_t>();
      chunk.store(place.lane % 4, simt::pack<typename Traits::Element>(finished.value(value[0]),
                                                                       finished.value(value[1])));
    }
  }
}

/// Copies the warp's finished outputs to their rows. Eight lanes store 128 bytes of a row.
template <class Traits>
FATTN_DEVICE void store_rows(AttentionParams const& p, simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  Place const place;
  int const chunk = place.lane % 8;
  FATTN_ROLLED_DEVICE for (int step = 0; step < Traits::kWarpRows; step += 4) {
    int const row = place.warp * Traits::kWarpRows + step + place.lane / 8;
    RowFacts const facts = kept_row<Traits>(memory, row).load();
    if (facts.query < 0) continue;
    Element* const out = static_cast<Element*>(p.out.data) + facts.out + chunk * 8;
    PanelChunk<Traits::kBlockM> const own(memory, Traits::kQuery, row, chunk);
    FATTN_UNROLL_DEVICE for (int panel = 0; panel < Traits::kPanels;
                             ++panel) if (panel * 64 + chunk * 8 < p.head_dim_v) *
        reinterpret_cast<simt::Quad*>(out + panel * 64) = own.at(0, panel * 4).load();
  }
}

struct alignas(8) Pair {
  float value[2];
};

/// Stores the rows as partial results of the tile's key range.
template <class Traits>
FATTN_DEVICE void store_partial(AttentionParams const& p, simt::SharedMemory memory,
                                Accumulators<Traits> const& acc) {
  WorkTile const tile = kept_tile<Traits>(memory).load();
  Place const place;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    int const row = place.row<Traits>(s, half);
    SoftmaxState const state = gathered(acc.row[s][half]);
    int32_t const query = kept_row<Traits>(memory, row).load().query;
    if (query < 0) continue;
    int64_t const to = partial_row(p, tile.sequence, query, head_of(p, tile, row, query));
    if (place.first_of_row()) store_partial_state(p, tile.chunk, to, state);
    float* const out = partial_out_row(p, tile.chunk, to) + place.first_column();
    FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kHeadDim / 8; ++n) if (8 * n < p.head_dim_v) *
        reinterpret_cast<Pair*>(out +
                                8 * n) = {{acc.out[s][n][2 * half], acc.out[s][n][2 * half + 1]}};
  }
}

}  // namespace fattn::mma16
