#pragma once

#include <cstdint>

#include "core/tensor_view.h"

namespace fattn {

struct FillArgs {
  TensorView target;
};

struct CopyArgs {
  TensorView source, target;
};

/// Throws ERR_ARGUMENT_VALUE where an integer or bool dtype cannot hold `value` exactly.
void check_fill(TensorView const& target, double value);

/// The bit pattern of one element, in the low bytes.
uint32_t fill_pattern(DType dtype, double value);

/// Throws ERR_DTYPE for a conversion that loses more than rounding: only floats take other dtypes,
/// and uint8 takes bool.
void check_conversion(DType from, DType to);

}  // namespace fattn
