// AVX-512 (F, BW, DQ, VL) and, as its own path, the bfloat16 dot product.
#pragma once

#include <immintrin.h>

#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

template <class Isa>
struct Avx512Base : Simd<Isa, 16> {
  using Base = Simd<Isa, 16>;
  using typename Base::F;
  using typename Base::I;
  static constexpr int kDecodeSums = 16;   // accumulators of the decode kernel
  static constexpr int kPanelVectors = 4;  // 6 x 4 accumulators + 4 + 1 of 32 registers

  [[gnu::always_inline]] static F fma(F a, F b, F c) {
    return (F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
  }
  /// The second operand where either is NaN.
  [[gnu::always_inline]] static F max(F a, F b) { return (F)_mm512_max_ps((__m512)a, (__m512)b); }
  /// 2^x for x <= 0; 0 or subnormal below 2^-126, NaN for NaN.
  template <class Polynomial>
  [[gnu::always_inline]] static F exp2_nonpositive(F x) {
    F clamped = max(Base::set1(-200.0f), x);
    F whole =
        (F)_mm512_roundscale_ps((__m512)clamped, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    return (F)_mm512_scalef_ps((__m512)Polynomial::apply(clamped - whole), (__m512)whole);
  }
  // A broadcast from memory needs no shuffle, but compilers do not find it.
  [[gnu::always_inline]] static F load_twice(float const* p) {
    return (F)_mm512_broadcast_f32x8(_mm256_loadu_ps(p));
  }
  [[gnu::always_inline]] static I load_twice(int32_t const* p) {
    return (I)_mm512_broadcast_i32x8(_mm256_loadu_si256((__m256i const*)p));
  }
  [[gnu::always_inline]] static F widen_f16(uint16_t const* p) {
    return (F)_mm512_cvtph_ps(_mm256_loadu_si256((__m256i const*)p));
  }
  [[gnu::always_inline]] static void store_f16(uint16_t* p, F x) {
    _mm256_storeu_si256((__m256i*)p, _mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT));
  }
};

struct Avx512 : Avx512Base<Avx512> {
  static constexpr bool kBf16Dot = false;
};

#ifdef __AVX512BF16__
struct Avx512Bf16 : Avx512Base<Avx512Bf16> {
  static constexpr bool kBf16Dot = true;

  /// acc + a.lo * b.lo + a.hi * b.hi per 32-bit lane of bfloat16 pairs.
  [[gnu::always_inline]] static F dot(I a, I b, F acc) {
    return (F)_mm512_dpbf16_ps((__m512)acc, (__m512bh)a, (__m512bh)b);
  }
  /// 2 x 16 floats as 16 bfloat16 pairs, in order.
  [[gnu::always_inline]] static I pairs(F low, F high) {
    return (I)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
  }
};
#endif

}  // namespace fattn::cpu
