// Sines and cosines from arithmetic alone, the same bits everywhere.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn {

struct SinCos {
  double sin, cos;
};

/// Sine and cosine of `turned` quarter turns plus `rest` radians, |rest| <= pi/4, within 2e-16 plus
/// rounding. Taylor series: at pi/4 the first term left out is 1.3e-17 of the value or less. Free
/// of branches and of the C library, so compilers vectorise it and every platform gets the same
/// bits.
FATTN_HOST_DEVICE SinCos sincos_of_quarters(long long turned, double rest) {
  double const x = rest * rest;
  double const sine =
      rest * (1 + x * (-1.0 / 6 +
                       x * (1.0 / 120 +
                            x * (-1.0 / 5040 +
                                 x * (1.0 / 362880 +
                                      x * (-1.0 / 39916800 + x * (1.0 / 6227020800 +
                                                                  x * (-1.0 / 1307674368000))))))));
  double const cosine =
      1 + x * (-1.0 / 2 +
               x * (1.0 / 24 +
                    x * (-1.0 / 720 +
                         x * (1.0 / 40320 +
                              x * (-1.0 / 3628800 +
                                   x * (1.0 / 479001600 +
                                        x * (-1.0 / 87178291200 + x * (1.0 / 20922789888000))))))));
  bool const swapped = (turned & 1) != 0;
  double const sin_size = swapped ? cosine : sine;
  double const cos_size = swapped ? sine : cosine;
  return {(turned & 2) != 0 ? -sin_size : sin_size, ((turned + 1) & 2) != 0 ? -cos_size : cos_size};
}

/// Sine and cosine of an angle in radians, |angle| < 2^31. The quarter turns are taken off with
/// pi/2 in three parts; the products with the first two are exact, having at most 22 bits each.
FATTN_HOST_DEVICE SinCos sincos_of(double angle) {
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  constexpr double kHigh = 0x1.921fbp+0;
  constexpr double kMiddle = 0x1.5110bp-22;
  constexpr double kLow = 0x1.18469898cc517p-44;
  constexpr double kRounder = 0x1.8p52;  // adding it leaves no place for a fraction
  double const turned = (angle * kTwoOverPi + kRounder) - kRounder;
  double const rest = ((angle - turned * kHigh) - turned * kMiddle) - turned * kLow;
  return sincos_of_quarters(static_cast<long long>(turned), rest);
}

/// Sine and cosine of the sum of two angles.
FATTN_HOST_DEVICE SinCos turned_by(SinCos a, SinCos b) {
  return {a.sin * b.cos + a.cos * b.sin, a.cos * b.cos - a.sin * b.sin};
}

/// Sine and cosine of an angle in radians, |angle| < 2^54. Multiples of 2^31 go through 2^31 modulo
/// 2 pi in two parts, whose first product is exact, having at most 52 bits.
FATTN_HOST_DEVICE SinCos sincos_of_large(double angle) {
  constexpr double kHigh = -0x1.54a767dp+0;
  constexpr double kLow = -0x1.830ee719bc742p-32;
  double const multiple = static_cast<double>(static_cast<int64_t>(angle * 0x1p-31));
  if (multiple == 0) return sincos_of(angle);
  SinCos const rest = sincos_of(angle - multiple * 0x1p31);
  return turned_by(rest, turned_by(sincos_of(multiple * kHigh), sincos_of(multiple * kLow)));
}

}  // namespace fattn
