// 16-bit floats against their definition: value = mantissa * 2^exponent, nearest, ties to even.

#include <bit>
#include <cmath>
#include <limits>

#include "core/half.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Value of 16 bits with `mantissa_bits` of mantissa, from the definition of the format.
double decode(uint16_t bits, int mantissa_bits) {
  int const exponent_bits = 15 - mantissa_bits;
  int const bias = (1 << (exponent_bits - 1)) - 1;
  int const exponent = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  double const mantissa = bits & ((1 << mantissa_bits) - 1);
  double const sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1)
    return mantissa == 0 ? sign * kInfinity : std::numeric_limits<double>::quiet_NaN();
  double const significand = exponent == 0 ? mantissa : mantissa + (1 << mantissa_bits);
  return sign * std::ldexp(significand, (exponent == 0 ? 1 : exponent) - bias - mantissa_bits);
}

using FromF64 = uint16_t (*)(double);
using FromF32 = uint16_t (*)(float);

/// Every midpoint between neighbours of the format, and the values just beside it.
void check_rounding(int mantissa_bits, FromF64 from_f64, FromF32 from_f32, uint16_t infinity) {
  for (uint16_t bits = 0; bits < infinity; ++bits) {
    double const low = decode(bits, mantissa_bits);
    // Past the largest value the next one would be, had the exponent gone on.
    double const high = bits + 1 == infinity ? 2 * low - decode(bits - 1, mantissa_bits)
                                             : decode(bits + 1, mantissa_bits);
    double const middle = (low + high) / 2;
    uint16_t const next = bits + 1, even = (bits & 1) != 0 ? next : bits;
    expect_equal(from_f64(low), bits, "exact value");
    expect_equal(from_f64(middle), even, "tie");
    expect_equal(from_f64(std::nextafter(middle, 0)), bits, "below the tie");
    expect_equal(from_f64(std::nextafter(middle, kInfinity)), next, "above the tie");
    expect_equal(from_f64(-middle), even | 0x8000, "negative tie");
    expect_equal(from_f32(static_cast<float>(low)), bits, "exact float");
    float const tie = static_cast<float>(middle);
    if (static_cast<double>(tie) != middle) continue;  // below the least float
    expect_equal(from_f32(tie), even, "float tie");
    expect_equal(from_f32(-tie), even | 0x8000, "negative float tie");
    expect_equal(from_f32(std::nextafter(tie, INFINITY)), next, "float above the tie");
    expect_equal(from_f32(std::nextafter(tie, 0.0f)), bits, "float below the tie");
  }
}

}  // namespace

TEST(half_widens_every_bit_pattern) {
  for (int bits = 0; bits < 65536; ++bits) {
    auto const pattern = static_cast<uint16_t>(bits);
    expect_near(f32_from_f16(pattern), decode(pattern, 10), 0, "f16");
    expect_near(f32_from_bf16(pattern), decode(pattern, 7), 0, "bf16");
    expect_equal(std::signbit(f32_from_f16(pattern)), bits >= 32768, "sign of f16");
  }
}

TEST(half_rounds_f16_to_nearest_even) { check_rounding(10, f16_from_f64, f16_from_f32, 0x7c00); }

TEST(half_rounds_bf16_to_nearest_even) { check_rounding(7, bf16_from_f64, bf16_from_f32, 0x7f80); }

TEST(half_keeps_nan_infinity_and_signed_zero) {
  float const nan = std::numeric_limits<float>::quiet_NaN();
  expect(std::isnan(f32_from_f16(f16_from_f32(nan))), "f16 NaN");
  expect(std::isnan(f32_from_bf16(bf16_from_f32(nan))), "bf16 NaN");
  // A NaN whose payload lies only in the bits that are dropped must not become infinity.
  float const low_payload = std::bit_cast<float>(0x7f800001u);
  expect(std::isnan(f32_from_f16(f16_from_f32(low_payload))), "f16 NaN with a low payload");
  expect(std::isnan(f32_from_bf16(bf16_from_f32(low_payload))), "bf16 NaN with a low payload");
  expect(std::isnan(f32_from_bf16(bf16_from_f64(std::nan("")))), "NaN from double");
  expect_equal(f16_from_f64(kInfinity), 0x7c00);
  expect_equal(bf16_from_f64(-kInfinity), 0xff80);
  expect_equal(f16_from_f32(-0.0f), 0x8000);
  expect_equal(bf16_from_f32(-0.0f), 0x8000);
}

TEST(half_overflows_to_infinity) {
  expect_equal(f16_from_f32(65519.996f), 0x7bff);
  expect_equal(f16_from_f32(65520.0f), 0x7c00);
  expect_equal(f16_from_f64(1e300), 0x7c00);
  expect_equal(bf16_from_f64(1e300), 0x7f80);
  expect_equal(bf16_from_f64(-1e300), 0xff80);
  expect_equal(bf16_from_f32(std::numeric_limits<float>::max()), 0x7f80);
}

TEST(half_rounds_doubles_once) {
  // 1 + 2^-11 is a tie of f16; a hair above it rounds up, but rounding to float first loses the
  // hair.
  expect_equal(f16_from_f64(1 + 0x1p-11 + 0x1p-50), 0x3c01);
  expect_equal(bf16_from_f64(1 + 0x1p-8 + 0x1p-50), 0x3f81);
}
