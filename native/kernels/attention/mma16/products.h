// The two matrix products of a tile, as a warp does them: scores = q k^T, out += p v.
#pragma once

#include "kernels/attention/mma16/traits.h"
#include "kernels/mma16/multiply.h"

namespace fattn::mma16 {

/// The chunks a lane gives to ldmatrix: of q and k as multiply_rows() wants them, of v as the
/// transposed right factor (rows l % 16, columns 8 (l / 16)).
template <class Traits>
struct FragmentChunks {
  PanelChunk<Traits::kBlockM> q;
  PanelChunk<Traits::kBlockN> k, v;

  FATTN_DEVICE explicit FragmentChunks(simt::SharedMemory memory)
      : q(memory, Traits::kQuery, simt::warp_index() * Traits::kWarpRows + simt::lane_index() % 16,
          simt::lane_index() / 16),
        k(memory, Traits::kKey, simt::lane_index() % 8 + simt::lane_index() / 16 * 8,
          simt::lane_index() / 8 % 2),
        v(memory, Traits::kValue, simt::lane_index() % 16, simt::lane_index() / 16) {}
};

/// scores = q k^T, for the keys of the tile in shared memory.
template <class Traits>
FATTN_DEVICE void multiply_keys(Scores<Traits>& scores, FragmentChunks<Traits> const& chunks) {
  constexpr int kStrips = Traits::kStrips;
  FATTN_UNROLL_DEVICE for (int s = 0; s < kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kBlockN / 8; ++n)
          FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) scores.at[s][n][i] = 0;
  multiply_rows<typename Traits::Element, Traits::kHeadDim / 16>(scores.at, chunks.q, chunks.k);
}

/// out += p v for 16 keys, of which `p` holds a strip's weights: keys 16 step .. 16 step + 15.
template <class Traits>
FATTN_DEVICE void multiply_values(Accumulators<Traits>& acc,
                                  simt::Fragment const (&p)[Traits::kStrips],
                                  FragmentChunks<Traits> const& chunks, int step) {
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kHeadDim / 16; ++n) {
    simt::Fragment const v = simt::load_matrix_x4_transposed(chunks.v.at(16 * step, n));
    FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half)
        FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
            simt::multiply_m16n8k16<typename Traits::Element>(
                acc.out[s][2 * n + half], p[s], v.word[2 * half], v.word[2 * half + 1]);
  }
}

}  // namespace fattn::mma16
