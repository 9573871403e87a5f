// The product of rows that lie in panels, as a warp does it.
#pragma once

#include "kernels/mma16/panel.h"

namespace fattn::mma16 {

/// sums += a b^T over 16 kSteps columns, for kStrips strips of 16 rows of a and 8 kTiles rows of b:
/// sums[strip][tile] as fragments.h has it. The chunks a lane gives to ldmatrix: of a rows l % 16,
/// columns 8 (l / 16); of b, two tiles at a time, rows l % 8 + 8 (l / 16), columns 8 (l / 8 % 2).
template <class Element, int kSteps, int kStrips, int kTiles, int kRowsA, int kRowsB>
FATTN_DEVICE void multiply_rows(float (&sums)[kStrips][kTiles][4], PanelChunk<kRowsA> const& a,
                                PanelChunk<kRowsB> const& b) {
  FATTN_UNROLL_DEVICE for (int step = 0; step < kSteps; ++step) {
    simt::Fragment left[kStrips];
    FATTN_UNROLL_DEVICE for (int s = 0; s < kStrips; ++s) left[s] =
        simt::load_matrix_x4(a.at(16 * s, step));
    FATTN_UNROLL_DEVICE for (int n = 0; n < kTiles / 2; ++n) {
      simt::Fragment const right = simt::load_matrix_x4(b.at(16 * n, step));
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half)
          FATTN_UNROLL_DEVICE for (int s = 0; s < kStrips; ++s) simt::multiply_m16n8k16<Element>(
              sums[s][2 * n + half], left[s], right.word[2 * half], right.word[2 * half + 1]);
    }
  }
}

}  // namespace fattn::mma16
