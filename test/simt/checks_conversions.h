// The storage types, exhaustively: every 16-bit value, and around every value where rounding turns.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>

#include "check.h"

namespace fattn::conformance {

/// What a 16-bit format means, from its definition.
struct Format {
  int mantissa_bits, bias;

  int exponent_bits() const { return 15 - mantissa_bits; }
  uint16_t infinity() const {
    return static_cast<uint16_t>(((1 << exponent_bits()) - 1) << mantissa_bits);
  }
  /// Of a positive number. That above the largest is the power of two that would come next.
  double value(uint16_t bits) const {
    int const exponent = bits >> mantissa_bits, mantissa = bits & ((1 << mantissa_bits) - 1);
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias - mantissa_bits);
    return std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  }
};

template <class Element>
constexpr Format kFormat = std::is_same_v<Element, F16> ? Format{10, 15} : Format{7, 127};

template <class Element>
struct Wide {
  uint16_t const* in;
  float* out;
};

template <class Element>
struct Widen : KernelShape<Wide<Element>, 256> {
  FATTN_DEVICE static void run(Wide<Element> const& p, SharedMemory) {
    for (int i = thread_index(); i < 65536; i += 256) p.out[i] = to_float(Element{p.in[i]});
  }
};

template <class Element>
void check_to_float(Machine& machine) {
  auto const format = kFormat<Element>;
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  auto* const out = machine.room<float>(all.size());
  machine.run<Widen<Element>>({machine.place(all), out});
  auto const got = machine.fetch(out, all.size());
  for (uint32_t i = 0; i < 65536; ++i) {
    auto const magnitude = static_cast<uint16_t>(i & 0x7fff);
    double const sign = i & 0x8000 ? -1 : 1;
    double const right = magnitude == format.infinity() ? std::numeric_limits<double>::infinity()
                                                        : format.value(magnitude);
    bool const nan = magnitude > format.infinity();
    bool const same = got[i] == sign * right && std::signbit(got[i]) == (sign < 0);
    expect(nan ? std::isnan(got[i]) : same, "bits ", i, " give ", got[i], ", expected ",
           nan ? NAN : sign * right);
  }
}

struct Rounded {
  float const* in;
  uint16_t* out;     // each alone
  uint32_t* packed;  // in pairs: this and the next
  int count;         // even
};

template <class Element>
struct Round : KernelShape<Rounded, 256> {
  FATTN_DEVICE static void run(Rounded const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += 256) p.out[i] = round_to<Element>(p.in[i]).bits;
    for (int i = thread_index(); i < p.count / 2; i += 256)
      p.packed[i] = pack<Element>(p.in[2 * i], p.in[2 * i + 1]);
  }
};

/// For every positive number of the format: itself, the middle between it and the next, and the
/// floats beside that; what they round to; all with both signs.
template <class Element>
void turning_points(std::vector<float>& in, std::vector<uint16_t>& expected) {
  auto const format = kFormat<Element>;
  auto const add = [&](float value, int bits) {
    in.insert(in.end(), {value, -value});
    expected.push_back(static_cast<uint16_t>(bits));
    expected.push_back(static_cast<uint16_t>(bits | 0x8000));
  };
  constexpr float kUp = std::numeric_limits<float>::infinity();
  for (uint16_t bits = 0; bits < format.infinity(); ++bits) {
    double const low = format.value(bits), high = format.value(static_cast<uint16_t>(bits + 1));
    auto const middle = static_cast<float>((low + high) / 2);
    add(static_cast<float>(low), bits);
    add(std::nextafter(middle, 0.0f), bits);
    add(middle, bits + bits % 2);
    add(std::nextafter(middle, kUp), bits + 1);
  }
  add(kUp, format.infinity());
}

template <class Element>
void check_rounding(Machine& machine) {
  std::vector<float> in;
  std::vector<uint16_t> expected;
  turning_points<Element>(in, expected);
  size_t const count = in.size();
  Rounded const p{machine.place(in), machine.room<uint16_t>(count),
                  machine.room<uint32_t>(count / 2), static_cast<int>(count)};
  machine.run<Round<Element>>(p);
  auto const got = machine.fetch(p.out, count);
  auto const packed = machine.fetch(p.packed, count / 2);
  for (size_t i = 0; i < count; ++i) {
    expect(got[i] == expected[i], "round_to: ", in[i], " gives ", got[i], ", expected ",
           expected[i]);
    auto const half = static_cast<uint16_t>(packed[i / 2] >> 16 * (i % 2));
    expect(half == expected[i], "pack: ", in[i], " gives ", half, ", expected ", expected[i]);
  }
}

template <class Element>
void check_nan(Machine& machine) {
  std::vector<float> const in(2, std::numeric_limits<float>::quiet_NaN());
  Rounded const p{machine.place(in), machine.room<uint16_t>(2), machine.room<uint32_t>(1), 2};
  machine.run<Round<Element>>(p);
  auto const is_nan = [](uint32_t bits) { return (bits & 0x7fff) > kFormat<Element>.infinity(); };
  uint32_t const packed = machine.fetch(p.packed, 1).front();
  expect(is_nan(machine.fetch(p.out, 2).front()), "round_to loses NaN");
  expect(is_nan(packed & 0xffff) && is_nan(packed >> 16), "pack loses NaN");
}

struct Floats {
  float const* in;
  uint32_t* out;
  int count;
};

struct Tf32 : KernelShape<Floats, 128> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += kThreads) p.out[i] = to_tf32(p.in[i]);
  }
};

/// The nearest with 10 bits behind the leading one, ties away from zero. The 13 bits below are
/// nobody's business: products do not read them.
inline void check_tf32(Machine& machine) {
  constexpr uint32_t kKept = 0xffffe000;
  std::vector<float> in;
  std::mt19937 generator(2);
  for (int i = 0; i < 20000; ++i) {
    uint32_t const bits = generator(), exponent = bits >> 23 & 0xff;
    if (exponent == 0xff) continue;
    for (uint32_t low : {bits & 0x1fff, 0u, 0xfffu, 0x1000u, 0x1001u, 0x1fffu})
      in.push_back(std::bit_cast<float>((bits & kKept) | low));
  }
  in.insert(in.end(), {INFINITY, -INFINITY, 0.0f, -0.0f, std::numeric_limits<float>::max()});
  auto* const out = machine.room<uint32_t>(in.size());
  machine.run<Tf32>({machine.place(in), out, static_cast<int>(in.size())});
  auto const got = machine.fetch(out, in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    uint32_t const right = (std::bit_cast<uint32_t>(in[i]) + 0x1000) & kKept;
    expect((got[i] & kKept) == right, in[i], " gives ", got[i], ", expected ", right);
  }
}

struct Unchanged : KernelShape<Floats, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += kThreads)
      p.out[i] = bits_of(round_to<float>(to_float(p.in[i])));
  }
};

inline void check_conversions(Machine& machine) {
  check_to_float<F16>(machine);
  check_to_float<BF16>(machine);
  std::vector<float> const in{1.5f, -0.0f, 0x1p-149f, INFINITY};
  auto* const out = machine.room<uint32_t>(in.size());
  machine.run<Unchanged>({machine.place(in), out, static_cast<int>(in.size())});
  auto const got = machine.fetch(out, in.size());
  for (size_t i = 0; i < in.size(); ++i)
    expect(got[i] == std::bit_cast<uint32_t>(in[i]), "as float ", in[i], " gives bits ", got[i]);
}

inline void check_all_rounding(Machine& machine) {
  check_rounding<F16>(machine);
  check_rounding<BF16>(machine);
  check_nan<F16>(machine);
  check_nan<BF16>(machine);
}

inline std::vector<Check> checks_of_conversions() {
  return {
      {{"to_float"}, Needs::kSm80, check_conversions},
      {{"round_to", "pack"}, Needs::kSm80, check_all_rounding},
      {{"to_tf32"}, Needs::kSm80, check_tf32},
  };
}

}  // namespace fattn::conformance
