#pragma once

#include "core/half.h"
#include "simt/numeric.h"

namespace fattn::simt {

inline float to_float(float value) { return value; }
inline float to_float(F16 value) { return f32_from_f16(value.bits); }
inline float to_float(BF16 value) { return f32_from_bf16(value.bits); }

template <>
inline float round_to<float>(float value) {
  return value;
}
template <>
inline F16 round_to<F16>(float value) {
  return {f16_from_f32(value)};
}
template <>
inline BF16 round_to<BF16>(float value) {
  return {bf16_from_f32(value)};
}

}  // namespace fattn::simt
