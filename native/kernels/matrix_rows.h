// Rows of a matrix that is a tensor of any number of axes.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn {

/// Rows counted over all axes of a tensor but the last, whose elements lie side by side. Axes that
/// lie one behind the other should be merged: each one left costs a division per row.
struct MatrixRows {
  static constexpr int kMaxAxes = 7;
  void* data;
  int32_t axes;  // 0: one row
  int64_t sizes[kMaxAxes];
  int64_t strides[kMaxAxes];  // elements, 0 on broadcast axes

  /// Elements from the first row to this one.
  FATTN_HOST_DEVICE int64_t offset(int64_t row) const {
    int64_t offset = 0;
    for (int axis = axes - 1; axis > 0; --axis) {
      offset += row % sizes[axis] * strides[axis];
      row /= sizes[axis];
    }
    return axes > 0 ? offset + row * strides[0] : 0;
  }
  template <class Element>
  FATTN_HOST_DEVICE Element* row(int64_t index) const {
    return static_cast<Element*>(data) + offset(index);
  }
};

}  // namespace fattn
