// float16 where the instruction set has no conversion: integer arithmetic on the bits, lane by
// lane.
#pragma once

#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

template <class Isa>
[[gnu::always_inline]] inline typename Isa::F widen_f16_by_bits(uint16_t const* p) {
  using U = typename Isa::U;
  using I = typename Isa::I;
  U half = __builtin_convertvector(*(typename Isa::H const*)p, U);
  U sign = (half & 0x8000) << 16;
  U magnitude = half & 0x7fff;
  // Normal and subnormal alike: place the bits as a float with exponent bias 15 and multiply by
  // 2^112.
  U scaled = (U)((typename Isa::F)(magnitude << 13) * 0x1p112f);
  U special = (magnitude << 13) | 0x7f800000;
  return (typename Isa::F)(sign | ((I)magnitude >= 0x7c00 ? special : scaled));
}

/// Nearest, ties to even; overflow to infinity, NaN stays NaN.
template <class Isa>
[[gnu::always_inline]] inline void store_f16_by_bits(uint16_t* p, typename Isa::F x) {
  using U = typename Isa::U;
  using I = typename Isa::I;
  using F = typename Isa::F;
  U bits = (U)x;
  U sign = (bits >> 16) & 0x8000;
  U magnitude = bits & 0x7fffffff;
  U normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112u << 23)) >> 13;
  // Below 2^-14 the sum with 0.5 rounds to the subnormal grid of 2^-24 by itself.
  U subnormal = (U)((F)magnitude + 0.5f) - 0x3f000000;
  U half = (I)magnitude < 0x38800000 ? subnormal : normal;
  half = (I)magnitude >= 0x477ff000 ? half * 0 + 0x7c00 : half;
  half = (I)magnitude > 0x7f800000 ? half * 0 + 0x7e00 : half;
  *(typename Isa::H*)p = __builtin_convertvector(half | sign, typename Isa::H);
}

}  // namespace fattn::cpu
