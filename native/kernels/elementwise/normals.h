// Standard normal numbers by counter, from arithmetic alone: with contraction off every compiler
// and processor gets the same bits.
#pragma once

#include "kernels/elementwise/philox.h"
#include "kernels/elementwise/sincos.h"

namespace fattn {

/// Natural logarithm of a positive normal number, within 1e-11: the mantissa, brought to
/// [sqrt(1/2), sqrt(2)], through the series of the inverse hyperbolic tangent.
FATTN_HOST_DEVICE double log_of(double value) {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  uint64_t const bits = __builtin_bit_cast(uint64_t, value);
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  uint64_t const above = bits - kSqrtHalf;
  int64_t const exponent = static_cast<int64_t>(above) >> 52;
  double const mantissa =
      __builtin_bit_cast(double, (above & uint64_t{0x000fffffffffffff}) + kSqrtHalf);
  double const t = (mantissa - 1) / (mantissa + 1);
  double const x = t * t;  // at most 0.0295
  double const series =
      1 + x * (1.0 / 3 + x * (1.0 / 5 + x * (1.0 / 7 + x * (1.0 / 9 + x * (1.0 / 11)))));
  return static_cast<double>(exponent) * kLn2 + 2 * t * series;
}

struct NormalPair {
  float first, second;
};

/// Box-Muller: two independent normals from two words. The radius takes the first, moved off zero;
/// the angle the second, in units of 2^-32 turns, of which the nearest quarter is exact.
FATTN_HOST_DEVICE NormalPair box_muller(uint32_t for_radius, uint32_t for_angle) {
  constexpr double kPi = 0x1.921fb54442d18p+1;
  double const radius = __builtin_sqrt(-2 * log_of((for_radius + 0.5) * 0x1p-32));
  uint32_t const quarter = (for_angle + 0x20000000u) >> 30;
  int32_t const rest = static_cast<int32_t>(for_angle - (quarter << 30));
  SinCos const angle = sincos_of_quarters(quarter, rest * (2 * kPi * 0x1p-32));
  return {static_cast<float>(radius * angle.cos), static_cast<float>(radius * angle.sin)};
}

struct Normals {
  float value[4];
};

/// Elements 4 * block .. 4 * block + 3 of the standard normal sequence of `seed`.
FATTN_HOST_DEVICE Normals normals(uint64_t seed, uint64_t block) {
  PhiloxWords const words =
      philox({{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}}, seed);
  NormalPair const low = box_muller(words.word[0], words.word[1]);
  NormalPair const high = box_muller(words.word[2], words.word[3]);
  return {{low.first, low.second, high.first, high.second}};
}

}  // namespace fattn
