#include "core/ops/merged_rows.h"

namespace fattn {

TensorView with_merged_rows(TensorView const& view) {
  int64_t sizes[kMaxRank] = {}, strides[kMaxRank] = {};
  int axes = 0;
  for (int axis = 0; axis + 1 < view.rank(); ++axis) {
    int64_t const size = view.sizes[axis], stride = view.strides[axis];
    if (size == 1) continue;
    bool const follows = axes > 0 && strides[axes - 1] == size * stride;
    if (!follows) sizes[axes++] = 1;
    sizes[axes - 1] *= size;
    strides[axes - 1] = stride;
  }
  TensorView merged = view;
  merged.sizes = merged.strides = Extents(axes + 1);
  for (int axis = 0; axis < axes; ++axis) {
    merged.sizes[axis] = sizes[axis];
    merged.strides[axis] = strides[axis];
  }
  merged.sizes[axes] = view.sizes[view.rank() - 1];
  merged.strides[axes] = view.strides[view.rank() - 1];
  return merged;
}

}  // namespace fattn
