// simt/functions.h on CUDA. The exact ones are the toolkit's, whose error bounds the CUDA C++
// Programming Guide tabulates ("Mathematical Functions").
#pragma once

#include "simt/functions.h"

namespace fattn::simt {

FATTN_DEVICE float exp2_approximate(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
FATTN_DEVICE float log2_approximate(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
FATTN_DEVICE float reciprocal_approximate(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
FATTN_DEVICE float tanh_approximate(float x) {
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

FATTN_DEVICE float fused_multiply_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
FATTN_DEVICE float maximum(float a, float b) { return fmaxf(a, b); }
FATTN_DEVICE float exp_exact(float x) { return expf(x); }
FATTN_DEVICE float exp2_exact(float x) { return exp2f(x); }
FATTN_DEVICE float log_exact(float x) { return logf(x); }
FATTN_DEVICE float log1p_exact(float x) { return log1pf(x); }
FATTN_DEVICE float tanh_exact(float x) { return tanhf(x); }
FATTN_DEVICE double power(double base, double exponent) { return pow(base, exponent); }
FATTN_DEVICE uint32_t bits_of(float x) { return __float_as_uint(x); }
FATTN_DEVICE float float_of_bits(uint32_t bits) { return __uint_as_float(bits); }
FATTN_DEVICE bool is_nan(float x) { return x != x; }
FATTN_DEVICE int32_t count_ones(uint32_t bits) { return __popc(bits); }
FATTN_DEVICE uint32_t opaque(uint32_t value) {
  asm volatile("" : "+r"(value));
  return value;
}

}  // namespace fattn::simt
