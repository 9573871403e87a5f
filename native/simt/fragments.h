// Warp matrix fragments: moves between shared memory and registers, and products (sm_80). Lane l of
// the warp holds, of a 16-bit 16x16 fragment, a[0] = (row l/4, columns 2(l%4), +1), a[1] = row + 8,
// a[2] = columns + 8, a[3] = both; the element of the lower column sits in the lower half.
#pragma once

#include <cstdint>

#include "simt/numeric.h"
#include "simt/shared.h"

namespace fattn::simt {

struct Fragment {
  uint32_t word[4];
};

/// Four 8x8 matrices of 16-bit elements; lanes 8m .. 8m+7 give the addresses of the rows (16 bytes
/// each, aligned to 16) of matrix m: ldmatrix.x4 (PTX ISA 9.7.14.5.15). All lanes of the warp.
FATTN_DEVICE Fragment load_matrix_x4(Shared<Quad> row);
/// The same, each matrix transposed: ldmatrix.x4.trans.
FATTN_DEVICE Fragment load_matrix_x4_transposed(Shared<Quad> row);
/// The reverse: stmatrix.x4 (sm_90, PTX ISA 9.7.14.5.16).
FATTN_DEVICE void store_matrix_x4(Shared<Quad> row, Fragment const& matrices);
FATTN_DEVICE void store_matrix_x4_transposed(Shared<Quad> row, Fragment const& matrices);

/// d += a b with a 16x16 (row-major), b 16x8 (b0: rows 2(l%4), +1 of column l/4; b1: rows + 8) and
/// d 16x8 in f32 (d[0], d[1]: row l/4, columns 2(l%4), +1; d[2], d[3]: row + 8). Element: F16 or
/// BF16. mma.sync.m16n8k16 (PTX ISA 9.7.14.5.8).
template <class Element>
FATTN_DEVICE void multiply_m16n8k16(float (&d)[4], Fragment const& a, uint32_t b0, uint32_t b1);
/// The same for tf32 with a 16x8 (a[0] = (row l/4, column l%4), a[1] = row + 8, a[2] = column + 4,
/// a[3] = both) and b 8x8 (b0: row l%4 of column l/4; b1: row + 4): mma.sync.m16n8k8.
FATTN_DEVICE void multiply_m16n8k8_tf32(float (&d)[4], Fragment const& a, uint32_t b0, uint32_t b1);

/// Two f32 rounded to Element, `low` in the lower half: cvt.rn.bf16x2.f32 and kin (PTX
/// ISA 9.7.9.22).
template <class Element>
FATTN_DEVICE uint32_t pack(float low, float high);
/// f32 rounded to tf32, nearest, ties away: cvt.rna.tf32.f32.
FATTN_DEVICE uint32_t to_tf32(float value);

}  // namespace fattn::simt
