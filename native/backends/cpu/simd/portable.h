// Four lanes without anything beyond the architecture's baseline: SSE2 on x86-64.
#pragma once

#include "backends/cpu/simd/exponent.h"
#include "backends/cpu/simd/half_bits.h"
#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

struct Baseline : Simd<Baseline, 4> {
  static constexpr int kPanelVectors = 2;  // 6 x 2 accumulators + 2 + 1 of 16 registers
  static constexpr int kDecodeSums = 8;    // accumulators of the decode kernel
  static constexpr bool kBf16Dot = false;

  /// Two roundings: the baseline has no fused multiply-add.
  [[gnu::always_inline]] static F fma(F a, F b, F c) { return a * b + c; }
  /// The second operand where either is NaN.
  [[gnu::always_inline]] static F max(F a, F b) { return a > b ? a : b; }
  template <class Polynomial>
  [[gnu::always_inline]] static F exp2_nonpositive(F x) {
    return exp2_by_exponent_bits<Baseline, Polynomial>(x);
  }
  [[gnu::always_inline]] static F widen_f16(uint16_t const* p) {
    return widen_f16_by_bits<Baseline>(p);
  }
  [[gnu::always_inline]] static void store_f16(uint16_t* p, F x) {
    store_f16_by_bits<Baseline>(p, x);
  }
};

}  // namespace fattn::cpu
