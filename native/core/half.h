#pragma once

#include <bit>
#include <cstdint>

// Bits of the 16-bit floats to and from float and double, rounded once to nearest even, NaN kept
// quiet. Every function has internal linkage: a unit compiled for a newer instruction set keeps its
// own copy, so the linker cannot hand that copy to the path of an older one.

namespace fattn {

/// `yes` or `no` by a mask. A conditional would let the compiler move floating-point work into one
/// of its arms, where it no longer vectorises.
static constexpr int32_t select_bits(bool condition, int32_t yes, int32_t no) {
  int32_t const mask = -static_cast<int32_t>(condition);
  return (yes & mask) | (no & ~mask);
}

/// IEEE binary16 to float; exact. Free of branches, as the next one, so that loops vectorise.
static constexpr float f32_from_f16(uint16_t bits) {
  int32_t const sign = (bits & 0x8000) << 16;
  int32_t const magnitude = bits & 0x7fff;
  int32_t const normal = (magnitude << 13) + (112 << 23);
  int32_t const special = (magnitude << 13) | 0x7f800000;
  int32_t const subnormal = std::bit_cast<int32_t>(static_cast<float>(magnitude) * 0x1p-24f);
  int32_t const finite = select_bits(magnitude < 0x400, subnormal, normal);
  return std::bit_cast<float>(sign | select_bits(magnitude < 0x7c00, finite, special));
}

/// float to IEEE binary16; overflow becomes infinity, underflow goes through the subnormals.
static constexpr uint16_t f16_from_f32(float value) {
  int32_t const bits = std::bit_cast<int32_t>(value);
  int32_t const sign = (bits >> 16) & 0x8000;
  int32_t const magnitude = bits & 0x7fffffff;
  // The carry of the rounding may reach infinity, rightly.
  int32_t const normal = (magnitude - (112 << 23) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // 0.5 has the unit of the subnormals, 2^-24, in its last place: the addition rounds to it.
  int32_t const subnormal =
      std::bit_cast<int32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<int32_t>(0.5f);
  // NaN: quiet, upper payload kept.
  int32_t const special =
      select_bits(magnitude > 0x7f800000, 0x7e00 | ((magnitude >> 13) & 0x3ff), 0x7c00);
  int32_t const finite = select_bits(magnitude < 0x38800000, subnormal, normal);
  return static_cast<uint16_t>(sign | select_bits(magnitude < 0x47800000, finite, special));
}

/// bfloat16 to float; exact.
static constexpr float f32_from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// float to bfloat16; overflow becomes infinity, subnormals are kept.
static constexpr uint16_t bf16_from_f32(float value) {
  uint32_t const bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// double to float, rounded to odd: a further rounding to 16 bits then equals one rounding of the
/// double, because the last bit remembers that something was lost.
static constexpr float f32_to_odd(double value) {
  float const nearest = static_cast<float>(value);
  double const back = static_cast<double>(nearest);
  if (back == value || value != value) return nearest;
  uint32_t const bits = std::bit_cast<uint32_t>(nearest);
  if ((bits & 1u) != 0) return nearest;
  bool const rounded_down = value < 0 ? back > value : back < value;  // in magnitude
  return std::bit_cast<float>(rounded_down ? bits + 1 : bits - 1);
}

static constexpr uint16_t f16_from_f64(double value) { return f16_from_f32(f32_to_odd(value)); }
static constexpr uint16_t bf16_from_f64(double value) { return bf16_from_f32(f32_to_odd(value)); }

}  // namespace fattn
