// The plain struct handed to the kernels of the matrix product out = x w^T + bias. The host fills
// it, and whatever it has checked the kernels take for granted.
#pragma once

#include "kernels/matrix_rows.h"
#include "simt/simt.h"

namespace fattn {

struct LinearParams {
  MatrixRows x, out;  // [rows, in], [rows, columns]
  void const* w;      // [columns, in]
  int64_t w_row;      // elements from one row of w to the next
  void const* bias;   // [columns]; null: none
  int64_t rows;
  int32_t in, columns;
};

/// Whether rows of 16-bit elements are made of aligned pieces of 16 bytes, as tensor cores take
/// them.
FATTN_HOST_DEVICE bool in_quads(LinearParams const& p) {
  auto aligned = [](void const* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; };
  auto rows = [](MatrixRows const& r) {
    int64_t all = 0;
    for (int axis = 0; axis < r.axes; ++axis) all |= r.strides[axis];
    return all % 8 == 0;
  };
  return aligned(p.x.data) && aligned(p.w) && aligned(p.out.data) && rows(p.x) && rows(p.out) &&
         p.w_row % 8 == 0 && p.in % 8 == 0 && p.columns % 8 == 0;
}

/// What a block computes. The grid has one axis: every rectangle of kRows by kColumns.
struct LinearTile {
  int64_t row;
  int32_t column;
};

/// Blocks in the order in which they start take the rows of up to kGroup tiles with the same
/// columns before they move on to others, so that those that run together read little that is not
/// in the second-level cache already.
template <int kRows, int kColumns>
FATTN_DEVICE LinearTile find_linear_tile(LinearParams const& p) {
  constexpr int64_t kGroup = 8;
  int64_t const row_tiles = (p.rows + kRows - 1) / kRows;
  int64_t const column_tiles = (int64_t{p.columns} + kColumns - 1) / kColumns;
  int64_t const index = simt::block_index().x;
  int64_t const group = index / (kGroup * column_tiles), within = index % (kGroup * column_tiles);
  int64_t const left = row_tiles - group * kGroup;
  int64_t const rows = left < kGroup ? left : kGroup;
  return {(group * kGroup + within % rows) * kRows, static_cast<int32_t>(within / rows * kColumns)};
}

}  // namespace fattn
