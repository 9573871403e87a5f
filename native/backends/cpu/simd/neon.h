// Advanced SIMD of 64-bit Arm: four lanes, fused multiply-add, float16 conversion.
#pragma once

#include <arm_neon.h>

#include "backends/cpu/simd/exponent.h"
#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

struct Neon : Simd<Neon, 4> {
  static constexpr int kPanelVectors = 4;  // 6 x 4 accumulators + 4 + 1 of 32 registers
  static constexpr int kDecodeSums = 16;   // accumulators of the decode kernel
  static constexpr bool kBf16Dot = false;

  [[gnu::always_inline]] static F fma(F a, F b, F c) {
    return (F)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
  }
  /// The second operand where either is NaN, as on x86.
  [[gnu::always_inline]] static F max(F a, F b) { return a > b ? a : b; }
  template <class Polynomial>
  [[gnu::always_inline]] static F exp2_nonpositive(F x) {
    return exp2_by_exponent_bits<Neon, Polynomial>(x);
  }
  [[gnu::always_inline]] static F widen_f16(uint16_t const* p) {
    return (F)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
  [[gnu::always_inline]] static void store_f16(uint16_t* p, F x) {
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x)));
  }
};

}  // namespace fattn::cpu
