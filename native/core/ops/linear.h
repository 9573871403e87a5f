#pragma once

#include <cstdint>

#include "core/ops/precision.h"
#include "core/tensor_view.h"

namespace fattn {

/// Everything about a call that is not a pointer.
struct LinearDesc {
  DType dtype = DType::f32;
  int64_t rows = 0;     // of x and out: the product of all axes but the last
  int64_t in = 0;       // elements of a row of x and of w
  int64_t columns = 0;  // elements of a row of out, rows of w
  Precision precision = Precision::kStorage;
};

/// out = x w^T + bias, summed in float32. All of one dtype; x, w and out need stride 1 on the last
/// axis.
struct LinearArgs {
  TensorView x;     // [..., in]
  TensorView w;     // [columns, in]
  TensorView bias;  // [columns]; undefined = none
  TensorView out;   // [..., columns]; may not overlap the others
};

/// What the tensors say about the call. Throws ERR_SHAPE where they have too few axes to say it.
LinearDesc describe_linear(LinearArgs const& args, Precision precision);

struct LinearCost {
  double flops = 0;
  double bytes = 0;  // compulsory: x, w, bias and out once each
};
LinearCost linear_cost(LinearDesc const& desc, bool bias);

/// Last gate before raw pointers, for a description that describe_linear() has made.
void check_linear(LinearDesc const& desc, LinearArgs const& args);

}  // namespace fattn
