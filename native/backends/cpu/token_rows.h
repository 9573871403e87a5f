#pragma once

#include <cstdint>

#include "core/tensor_view.h"

namespace fattn::cpu {

/// A tensor [b, s, h, d], or packed [t, h, d] as one batch, row by row. Rows are contiguous.
struct TokenRows {
  int64_t batch, tokens, heads, dim;
  int64_t strides[3];  // elements: b, s, h
  char* data;
  int64_t element_bytes;

  explicit TokenRows(TensorView const& view) {
    int const skip = view.rank() - 4;  // -1 where there is no batch axis
    auto size = [&](int axis) { return axis + skip < 0 ? 1 : view.sizes[axis + skip]; };
    batch = size(0), tokens = size(1), heads = size(2), dim = size(3);
    for (int axis = 0; axis < 3; ++axis)
      strides[axis] = axis + skip < 0 ? 0 : view.strides[axis + skip];
    data = view.bytes();
    element_bytes = size_of(view.dtype);
  }

  template <class T>
  T* row(int64_t b, int64_t s, int64_t h) const {
    return reinterpret_cast<T*>(data +
                                (b * strides[0] + s * strides[1] + h * strides[2]) * element_bytes);
  }
};

/// One float per row: [b, h, s], or packed [h, t] as one batch. May be absent.
struct RowValues {
  float* data = nullptr;
  int64_t strides[3] = {};  // b, h, s

  explicit RowValues(TensorView const& view) {
    if (!view.defined()) return;
    int const skip = view.rank() - 3;
    for (int axis = 0; axis < 3; ++axis)
      strides[axis] = axis + skip < 0 ? 0 : view.strides[axis + skip];
    data = view.data<float>();
  }

  bool defined() const { return data != nullptr; }
  float& at(int64_t b, int64_t h, int64_t s) const {
    return data[b * strides[0] + h * strides[1] + s * strides[2]];
  }
};

}  // namespace fattn::cpu
