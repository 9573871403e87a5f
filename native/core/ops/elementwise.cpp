#include "core/ops/elementwise.h"

#include <bit>
#include <cmath>

#include "core/error.h"
#include "core/half.h"

namespace fattn {

void check_fill(TensorView const& target, double value) {
  if (is_float(target.dtype)) return;
  bool const signed_integer = target.dtype == DType::i32;
  double const least = signed_integer ? -0x1p31 : 0;
  double const greatest = signed_integer ? 0x1p31 - 1 : target.dtype == DType::u8 ? 255 : 1;
  check(value >= least && value <= greatest && std::floor(value) == value,
        ErrorCode::kArgumentValue, "fill: ", value, " is not a value of ", name_of(target.dtype));
}

uint32_t fill_pattern(DType dtype, double value) {
  switch (dtype) {
    case DType::f32:
      return std::bit_cast<uint32_t>(static_cast<float>(value));
    case DType::f16:
      return f16_from_f64(value);
    case DType::bf16:
      return bf16_from_f64(value);
    default:
      return static_cast<uint32_t>(static_cast<int64_t>(value));
  }
}

void check_conversion(DType from, DType to) {
  bool const possible = from == to || is_float(to) || (from == DType::boolean && to == DType::u8);
  check(possible, ErrorCode::kDType, "copy: ", name_of(from), " does not convert to ", name_of(to));
}

}  // namespace fattn
