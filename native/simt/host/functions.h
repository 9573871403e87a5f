#pragma once

#include <bit>
#include <cmath>

#include "simt/functions.h"

namespace fattn::simt {

namespace host {

// As wrong as PTX allows, by an error that follows from the seed and the argument: the same input
// gives the same bits.
float exp2_approximate(float x);
float log2_approximate(float x);
float reciprocal_approximate(float x);
float tanh_approximate(float x);

}  // namespace host

inline float exp2_approximate(float x) { return host::exp2_approximate(x); }
inline float log2_approximate(float x) { return host::log2_approximate(x); }
inline float reciprocal_approximate(float x) { return host::reciprocal_approximate(x); }
inline float tanh_approximate(float x) { return host::tanh_approximate(x); }

inline float fused_multiply_add(float a, float b, float c) { return std::fma(a, b, c); }
inline float maximum(float a, float b) { return std::fmax(a, b); }
inline float exp_exact(float x) { return std::exp(x); }
inline float exp2_exact(float x) { return std::exp2(x); }
inline float log_exact(float x) { return std::log(x); }
inline float log1p_exact(float x) { return std::log1p(x); }
inline float tanh_exact(float x) { return std::tanh(x); }
inline double power(double base, double exponent) { return std::pow(base, exponent); }
inline uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
inline float float_of_bits(uint32_t bits) { return std::bit_cast<float>(bits); }
inline bool is_nan(float x) { return x != x; }
inline int32_t count_ones(uint32_t bits) { return std::popcount(bits); }
inline uint32_t opaque(uint32_t value) { return value; }

}  // namespace fattn::simt
