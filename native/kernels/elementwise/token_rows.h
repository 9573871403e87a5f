// Tensors of rows, as the elementwise kernels of attention's surroundings see them.
#pragma once

#include "simt/simt.h"

namespace fattn {

/// [b, s, h, d], or packed [t, h, d] as one batch. Strides in elements, that of d is 1.
struct TensorRows {
  void* data;
  int64_t batch, token, head;

  template <class Element>
  FATTN_DEVICE Element* row(int64_t b, int64_t s, int64_t h) const {
    return static_cast<Element*>(data) + (b * batch + s * token + h * head);
  }
};

/// A value per row, f32 [b, h, s], or packed [h, t] as one batch. Null data: absent.
struct TensorRowValues {
  float* data;
  int64_t batch, head, token;  // element strides, 0 on broadcast axes

  FATTN_DEVICE float& at(int64_t b, int64_t h, int64_t s) const {
    return data[b * batch + h * head + s * token];
  }
};

}  // namespace fattn
