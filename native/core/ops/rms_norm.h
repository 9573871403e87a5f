#pragma once

#include "core/tensor_view.h"

namespace fattn {

/// out = x / sqrt(mean(x^2) + epsilon) * weight, row by row over the last axis, in float32 and
/// rounded once. x, weight and out need stride 1 on their last axis.
struct RmsNormArgs {
  TensorView x;       // [..., n]
  TensorView weight;  // [n], float32 or the dtype of x; undefined = ones
  TensorView out;     // like x; the very view of x (in place) or disjoint from it
};

/// Last gate before raw pointers. `epsilon` is at least the smallest normal float: approximations
/// of a GPU take less for zero.
void check_rms_norm(float epsilon, RmsNormArgs const& args);

}  // namespace fattn
