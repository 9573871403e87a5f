#include "backends/gpu/strided_axes.h"

namespace fattn::gpu {

StridedAxes strided_axes(TensorView const& target, TensorView const* source) {
  StridedAxes axes{};
  axes.elements = target.elements();
  for (int axis = 0; axis < target.rank(); ++axis) {
    int64_t const size = target.sizes[axis];
    if (size == 1) continue;
    int64_t const to = target.strides[axis], from = source ? source->strides[axis] : 0;
    int const last = axes.rank - 1;
    bool const follows = last >= 0 && axes.target[last] == size * to &&
                         (source == nullptr || axes.source[last] == size * from);
    int const slot = follows ? last : axes.rank++;
    axes.size[slot] = follows ? axes.size[slot] * size : size;
    axes.target[slot] = to;
    axes.source[slot] = from;
  }
  return axes;
}

ElementType element_type(DType dtype) {
  return dtype == DType::boolean ? ElementType::kU8 : static_cast<ElementType>(dtype);
}

}  // namespace fattn::gpu
