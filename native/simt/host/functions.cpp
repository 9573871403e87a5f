#include "simt/host/functions.h"

#include <limits>

#include "simt/host/block.h"

namespace fattn::simt::host {
namespace {

enum class Function : uint64_t { kExp2 = 1, kLog2, kReciprocal, kTanh };

/// In [-1, 1], by seed, function and argument; both ends are frequent.
double error_of(Function function, float x) {
  uint64_t const where =
      uint64_t{std::bit_cast<uint32_t>(x)} << 3 | static_cast<uint64_t>(function);
  uint64_t const drawn = mix(block().error_seed(), where);
  if ((drawn & 3) == 0) return (drawn & 4) != 0 ? 1 : -1;
  return static_cast<double>(static_cast<int32_t>(drawn >> 32)) * 0x1p-31;
}

/// .ftz: subnormal arguments and results are zeros of their sign.
float flushed(float x) {
  return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x;
}

/// A float at most `ulps` units in the last place from the exact value, on the side of `error`.
float off_by(double exact, double ulps, double error) {
  int exponent;
  std::frexp(exact, &exponent);
  double const unit = std::ldexp(1.0, exponent - 24);
  double const wrong = exact + error * ulps * unit;
  // Towards the exact value, so that rounding stays within the bound.
  auto rounded = static_cast<float>(wrong);
  if (std::fabs(rounded - exact) > ulps * unit)
    rounded = std::nextafter(rounded, static_cast<float>(exact));
  return rounded;
}

bool is_special(double exact) { return exact == 0 || !std::isfinite(exact); }

}  // namespace

float exp2_approximate(float x) {
  float const argument = flushed(x);
  double const exact = std::exp2(static_cast<double>(argument));
  // PTX lists the result 1 for zeros; beyond the range of f32 results are infinity and zero.
  if (argument == 0 || is_special(exact) || exact > std::numeric_limits<float>::max())
    return static_cast<float>(exact);
  return flushed(off_by(exact, 2, error_of(Function::kExp2, argument)));
}

/// Absolute error 2^-22 for arguments in (0.5, 2), relative error 2^-22 elsewhere.
float log2_approximate(float x) {
  float const argument = flushed(x);
  double const exact = std::log2(static_cast<double>(argument));
  if (!std::isfinite(exact)) return static_cast<float>(exact);
  double const scale = argument > 0.5f && argument < 2.0f ? 1.0 : std::fabs(exact);
  // 2^-24 of the bound is left for rounding.
  double const error = error_of(Function::kLog2, argument) * (0x1p-22 - 0x1p-24) * scale;
  return flushed(static_cast<float>(exact + error));
}

float reciprocal_approximate(float x) {
  float const argument = flushed(x);
  double const exact = 1.0 / static_cast<double>(argument);
  if (is_special(exact)) return static_cast<float>(exact);
  return flushed(off_by(exact, 1, error_of(Function::kReciprocal, argument)));
}

/// Relative error 2^-11; subnormals are kept.
float tanh_approximate(float x) {
  double const exact = std::tanh(static_cast<double>(x));
  if (is_special(exact) || std::isinf(x)) return static_cast<float>(exact);
  double const error = error_of(Function::kTanh, x) * (0x1p-11 - 0x1p-24);
  return static_cast<float>(exact * (1 + error));
}

}  // namespace fattn::simt::host
