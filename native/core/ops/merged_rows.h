#pragma once

#include "core/tensor_view.h"

namespace fattn {

/// The same rows by as few axes as they need: those that lie one behind the other are merged, those
/// of size 1 left out.
TensorView with_merged_rows(TensorView const& view);

/// They as kernels take them: `Rows` is MatrixRows of kernels/matrix_rows.h, which core does not
/// know.
template <class Rows>
Rows merged_rows(TensorView const& view) {
  static_assert(Rows::kMaxAxes >= kMaxRank - 1);
  TensorView const merged = with_merged_rows(view);
  Rows rows{view.bytes(), merged.rank() - 1, {}, {}};
  for (int axis = 0; axis < rows.axes; ++axis) {
    rows.sizes[axis] = merged.sizes[axis];
    rows.strides[axis] = merged.strides[axis];
  }
  return rows;
}

}  // namespace fattn
