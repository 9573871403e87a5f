#pragma once

#include <bit>
#include <cstdint>

// Bits of the 16-bit floats to and from float and double, rounded once to nearest even, NaN kept
// quiet. Every function has internal linkage: a unit compiled for a newer instruction set keeps its
// own copy, so the linker cannot hand that copy to the path of an older one.

namespace fattn {

/// IEEE binary16 to float; exact.
static constexpr float f32_from_f16(uint16_t bits) {
  uint32_t const sign = (bits & 0x8000u) << 16;
  uint32_t const exponent = (bits >> 10) & 0x1fu;
  uint32_t const mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  return std::bit_cast<float>(sign |
                              std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f));
}

/// float to IEEE binary16; overflow becomes infinity, underflow goes through the subnormals.
static constexpr uint16_t f16_from_f32(float value) {
  uint32_t const bits = std::bit_cast<uint32_t>(value);
  uint32_t const sign = (bits >> 16) & 0x8000u;
  uint32_t const magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)  // NaN: quiet, upper payload kept
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65536 and more
  if (magnitude >= 0x38800000u) {  // normal; the carry of the rounding may reach infinity, rightly
    uint32_t const rebased = magnitude - (112u << 23);
    return static_cast<uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
  }
  uint32_t const exponent = magnitude >> 23;
  if (exponent < 102) return static_cast<uint16_t>(sign);  // below half the least subnormal, 2^-25
  uint32_t const mantissa = (magnitude & 0x7fffffu) | 0x800000u;
  uint32_t const shift = 126 - exponent;  // to units of 2^-24
  uint32_t const kept = mantissa >> shift;
  uint32_t const lost = mantissa & ((1u << shift) - 1);
  uint32_t const half = 1u << (shift - 1);
  bool const up = lost > half || (lost == half && (kept & 1u) != 0);
  return static_cast<uint16_t>(sign | (kept + (up ? 1u : 0u)));
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
