// 2^x where the instruction set has no scalef.
#pragma once

#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

/// 2^x for x <= 0; exactly 0 below 2^-126, NaN for NaN. Adding 1.5 * 2^23 leaves the nearest
/// integer in the low bits of the mantissa, from where a shift puts it into the exponent.
template <class Isa, class Polynomial>
[[gnu::always_inline]] inline typename Isa::F exp2_by_exponent_bits(typename Isa::F x) {
  constexpr float kToInteger = 12582912.0f;
  typename Isa::F shifted = x + kToInteger;
  typename Isa::F power = Isa::as_float((Isa::as_int(shifted) << 23) + 0x3f800000);
  typename Isa::F result = Polynomial::apply(x - (shifted - kToInteger)) * power;
  return Isa::select(x < -126.0f, Isa::zero(), result);
}

}  // namespace fattn::cpu
