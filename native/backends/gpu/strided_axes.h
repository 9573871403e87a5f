#pragma once

#include "core/tensor_view.h"
#include "kernels/elementwise/strided.h"

namespace fattn::gpu {

/// The walk over all elements of `target`, in row-major order, and of `source` beside it, whose
/// sizes are the same. Axes of size 1 are left out, and those that lie one behind the other in both
/// are merged.
StridedAxes strided_axes(TensorView const& target, TensorView const* source = nullptr);

/// The type as the elementwise kernels know it; bool is u8.
ElementType element_type(DType dtype);

}  // namespace fattn::gpu
