#pragma once

#include <concepts>
#include <cstdint>
#include <string>

#include "core/dtype.h"
#include "core/error.h"
#include "core/half.h"

// Storage types of the float dtypes, so that a loop can be a template over them.

namespace fattn::cpu {

struct F16 {
  uint16_t bits;
};

struct BF16 {
  uint16_t bits;
};

inline float to_f32(float value) { return value; }
inline float to_f32(F16 value) { return f32_from_f16(value.bits); }
inline float to_f32(BF16 value) { return f32_from_bf16(value.bits); }

/// Rounds once, to nearest even, from float or double.
template <class To>
To rounded(float value) {
  if constexpr (std::same_as<To, F16>)
    return F16{f16_from_f32(value)};
  else if constexpr (std::same_as<To, BF16>)
    return BF16{bf16_from_f32(value)};
  else
    return value;
}
template <class To>
To rounded(double value) {
  if constexpr (std::same_as<To, F16>)
    return F16{f16_from_f64(value)};
  else if constexpr (std::same_as<To, BF16>)
    return BF16{bf16_from_f64(value)};
  else
    return static_cast<float>(value);
}

/// Calls use(Type{}) with the storage type of a float dtype.
template <class Use>
void with_float_type(DType dtype, Use&& use) {
  switch (dtype) {
    case DType::f32:
      return use(float{});
    case DType::f16:
      return use(F16{});
    case DType::bf16:
      return use(BF16{});
    default:
      throw Error(ErrorCode::kDType, "expected a float dtype, got " + std::string(name_of(dtype)));
  }
}

}  // namespace fattn::cpu
