#pragma once

#include "backends/gpu/elementwise.h"
#include "core/tensor_view.h"
#include "kernels/elementwise/token_rows.h"

namespace fattn::gpu {

/// Sizes of [b, s, h, d], or of packed [t, h, d] as one batch.
struct TokenSizes {
  int64_t batch, tokens, heads, dim;

  explicit TokenSizes(TensorView const& view)
      : batch(view.rank() == 4 ? view.sizes[0] : 1),
        tokens(view.sizes[view.rank() - 3]),
        heads(view.sizes[view.rank() - 2]),
        dim(view.sizes[view.rank() - 1]) {}
};

inline TensorRows tensor_rows(TensorView const& view) {
  int const rank = view.rank();
  return {view.bytes(), rank == 4 ? view.strides[0] : 0, view.strides[rank - 3],
          view.strides[rank - 2]};
}

/// [b, h, s], or packed [h, t] as one batch; absent where undefined.
inline TensorRowValues tensor_row_values(TensorView const& view) {
  if (!view.defined()) return {};
  int const rank = view.rank();
  return {view.data<float>(), rank == 3 ? view.strides[0] : 0, view.strides[rank - 2],
          view.strides[rank - 1]};
}

}  // namespace fattn::gpu
