// Functions of one thread that have one right answer.
#pragma once

#include <bit>
#include <cfloat>
#include <cmath>
#include <random>

#include "check.h"

namespace fattn::conformance {

struct Triples {
  float const* in;
  float* out;
  int count;
};

/// For three floats: a b + c rounded once, the larger, and what says something of bits.
struct Plain : KernelShape<Triples, 128> {
  static constexpr int kResults = 6;

  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += kThreads) {
      float const a = p.in[3 * i], b = p.in[3 * i + 1], c = p.in[3 * i + 2];
      float* const out = p.out + i * kResults;
      out[0] = fused_multiply_add(a, b, c);
      out[1] = maximum(a, b);
      out[2] = float_of_bits(bits_of(a) ^ 0x80000000u);
      out[3] = is_nan(b) ? 1.0f : 0.0f;
      out[4] = float_of_bits(opaque(bits_of(c)));
      out[5] = static_cast<float>(count_ones(bits_of(a)));
    }
  }
};

inline std::vector<float> triples() {
  std::mt19937 generator(9);
  std::normal_distribution<float> normal;
  std::vector<float> in{1 + 0x1p-12f,
                        1 + 0x1p-12f,
                        -1,
                        NAN,
                        1,
                        2,
                        1,
                        NAN,
                        3,
                        NAN,
                        NAN,
                        3,
                        kInfinity,
                        -kInfinity,
                        0,
                        0x1p-100f,
                        0x1p-40f,
                        0x1p-140f,
                        FLT_MAX,
                        2,
                        -FLT_MAX};
  for (int i = 0; i < 3 * 1000; ++i)
    in.push_back(std::ldexp(normal(generator), i % 3 == 2 ? i % 37 - 18 : 0));
  return in;
}

inline void check_plain(Machine& machine) {
  auto const in = triples();
  size_t const count = in.size() / 3;
  auto* const out = machine.room<float>(count * Plain::kResults);
  machine.run<Plain>({machine.place(in), out, static_cast<int>(count)});
  auto const got = machine.fetch(out, count * Plain::kResults);
  auto const same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  for (size_t i = 0; i < count; ++i) {
    float const a = in[3 * i], b = in[3 * i + 1], c = in[3 * i + 2];
    float const* const y = &got[i * Plain::kResults];
    expect(same(y[0], std::fma(a, b, c)), a, " * ", b, " + ", c, " is ", y[0]);
    expect(same(y[1], std::fmax(a, b)), "the maximum of ", a, " and ", b, " is ", y[1]);
    expect(same(y[2], -a), "changing the sign bit of ", a, " gives ", y[2]);
    expect(y[3] == (std::isnan(b) ? 1 : 0), "is_nan of ", b);
    expect(same(y[4], c), "the bits of ", c, " come back as ", y[4]);
    expect(y[5] == static_cast<float>(std::popcount(std::bit_cast<uint32_t>(a))), "the bits of ", a,
           " that are set are ", y[5]);
  }
}

inline std::vector<Check> checks_of_arithmetic() {
  return {
      {{"fused_multiply_add", "maximum", "bits_of", "float_of_bits", "is_nan", "opaque",
        "count_ones"},
       Needs::kSm80,
       check_plain},
  };
}

}  // namespace fattn::conformance
