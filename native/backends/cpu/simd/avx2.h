// AVX2 with FMA and F16C.
#pragma once

#include <immintrin.h>

#include "backends/cpu/simd/exponent.h"
#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

struct Avx2 : Simd<Avx2, 8> {
  static constexpr int kPanelVectors = 2;  // 6 x 2 accumulators + 2 + 1 of 16 registers
  static constexpr int kDecodeSums = 8;    // accumulators of the decode kernel
  static constexpr bool kBf16Dot = false;

  [[gnu::always_inline]] static F fma(F a, F b, F c) {
    return (F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
  }
  /// The second operand where either is NaN.
  [[gnu::always_inline]] static F max(F a, F b) { return (F)_mm256_max_ps((__m256)a, (__m256)b); }
  template <class Polynomial>
  [[gnu::always_inline]] static F exp2_nonpositive(F x) {
    return exp2_by_exponent_bits<Avx2, Polynomial>(x);
  }
  // A broadcast from memory needs no shuffle, but compilers do not find it.
  [[gnu::always_inline]] static F load_twice(float const* p) {
    return (F)_mm256_broadcast_ps((__m128 const*)p);
  }
  [[gnu::always_inline]] static I load_twice(int32_t const* p) {
    return (I)_mm256_broadcastsi128_si256(_mm_loadu_si128((__m128i const*)p));
  }
  [[gnu::always_inline]] static F widen_f16(uint16_t const* p) {
    return (F)_mm256_cvtph_ps(_mm_loadu_si128((__m128i const*)p));
  }
  [[gnu::always_inline]] static void store_f16(uint16_t* p, F x) {
    _mm_storeu_si128((__m128i*)p, _mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT));
  }
};

}  // namespace fattn::cpu
