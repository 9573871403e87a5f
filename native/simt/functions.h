// Functions of one thread. The approximate ones say so; the others are as exact as IEEE f32 or the
// platform's library makes them.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::simt {

FATTN_DEVICE float exp2_approximate(float x);        // ex2.approx.ftz.f32, 2 ulp (PTX ISA 9.7.3.21)
FATTN_DEVICE float log2_approximate(float x);        // lg2.approx.ftz.f32 (PTX ISA 9.7.3.20)
FATTN_DEVICE float reciprocal_approximate(float x);  // rcp.approx.ftz.f32, 1 ulp (PTX ISA 9.7.3.13)
FATTN_DEVICE float tanh_approximate(float x);        // tanh.approx.f32, 2^-11 (PTX ISA 9.7.3.22)

FATTN_DEVICE float fused_multiply_add(float a, float b, float c);  // fma.rn.f32 (PTX ISA 9.7.3.6)
FATTN_DEVICE float maximum(float a, float b);             // max.f32: of a number and NaN the number
FATTN_DEVICE float exp_exact(float x);                    // within 2 ulp, subnormals kept
FATTN_DEVICE float exp2_exact(float x);                   // within 2 ulp, subnormals kept
FATTN_DEVICE float log_exact(float x);                    // natural, within 1 ulp
FATTN_DEVICE float log1p_exact(float x);                  // log(1 + x), within 1 ulp
FATTN_DEVICE float tanh_exact(float x);                   // within 2 ulp
FATTN_DEVICE double power(double base, double exponent);  // within 2 ulp
FATTN_DEVICE uint32_t bits_of(float x);
FATTN_DEVICE float float_of_bits(uint32_t bits);
FATTN_DEVICE bool is_nan(float x);
FATTN_DEVICE int32_t count_ones(uint32_t bits);  // popc.b32 (PTX ISA 9.7.1.15)

/// The same value, of which the compiler knows nothing. What is computed from it in a loop is not
/// computed ahead of the loop, where it would occupy registers that the loop is short of.
FATTN_DEVICE uint32_t opaque(uint32_t value);

constexpr float kInfinity = __builtin_huge_valf();

}  // namespace fattn::simt
