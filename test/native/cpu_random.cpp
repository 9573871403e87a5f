#include <cmath>

#include "backends/cpu/elementwise_random.h"
#include "cpu_fixture.h"
#include "kernels/elementwise/normals.h"

namespace fattn::test {
namespace {

using cpu::JobContext;
using Words = PhiloxWords;

void randn(Threads& threads, TensorView const& target, uint64_t seed) {
  threads.run([&](JobContext& job) { cpu::run_randn(job, target, seed); });
}

}  // namespace

// The known answers that its authors publish with Philox4x32-10.
TEST(philox_gives_the_published_words) {
  uint32_t const ones = 0xffffffff;
  expect(philox(Words{{0, 0, 0, 0}}, 0) == Words{{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
  expect(philox(Words{{ones, ones, ones, ones}}, UINT64_MAX) ==
         Words{{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
  expect(philox(Words{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822) ==
         Words{{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST(normals_are_box_muller_of_the_words) {
  for (uint64_t block : {0ull, 1ull, 77ull, 1ull << 40}) {
    uint64_t const seed = 0x123456789abcdefull;
    Words const words = philox(
        Words{{static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0}}, seed);
    auto const& w = words.word;
    Normals const drawn = normals(seed, block);
    auto const& values = drawn.value;
    for (size_t pair = 0; pair < 4; pair += 2) {
      double const radius = std::sqrt(-2 * std::log((w[pair] + 0.5) * 0x1p-32));
      double const angle = 2 * M_PI * (w[pair + 1] * 0x1p-32);
      expect_near(values[pair], radius * std::cos(angle), 1e-6);
      expect_near(values[pair + 1], radius * std::sin(angle), 1e-6);
    }
  }
}

TEST(randn_is_standard_normal) {
  Threads threads(2);
  TensorView const sample = host_view(DType::f32, {1 << 20});
  randn(threads, sample, 42);
  double moments[5] = {};
  int within = 0;
  for (int64_t i = 0; i < sample.elements(); ++i) {
    double const x = sample.data<float>()[i];
    for (int k = 1; k <= 4; ++k) moments[k] += std::pow(x, k) / static_cast<double>(1 << 20);
    within += std::fabs(x) < 1;
  }
  // Five standard errors of each: sqrt(Var(x^k) / 2^20).
  expect_near(moments[1], 0, 5 * std::sqrt(1.0) / 1024);
  expect_near(moments[2], 1, 5 * std::sqrt(2.0) / 1024);
  expect_near(moments[3], 0, 5 * std::sqrt(15.0) / 1024);
  expect_near(moments[4], 3, 5 * std::sqrt(96.0) / 1024);
  expect_near(within / 1048576.0, 0.6826894921, 5 * 0.4654 / 1024);
}

TEST(randn_depends_on_seed_and_place_only) {
  Extents const sizes{50, 7, 401};
  std::vector<float> reference;
  for (int count = 1; count <= 8; ++count) {
    Threads threads(count);
    for (DType dtype : kFloats) {
      TensorView const plain = host_view(dtype, sizes);
      TensorView const turned = transposed(host_view(dtype, {401, 7, 50}), 0, 2);
      randn(threads, plain, 7);
      randn(threads, turned, 7);
      if (reference.empty())
        reference.assign(plain.data<float>(), plain.data<float>() + plain.elements());
      size_t at = 0;
      for (int64_t i = 0; i < 50; ++i)
        for (int64_t j = 0; j < 7; ++j)
          for (int64_t k = 0; k < 401; ++k, ++at) {
            float rounded = 0;
            cpu::with_float_type(dtype, [&](auto type) {
              rounded = cpu::to_f32(cpu::rounded<decltype(type)>(reference[at]));
            });
            if (value_at(plain, {i, j, k}) != rounded || value_at(turned, {i, j, k}) != rounded)
              fail(Where::current(), "element ", at, " differs at ", count, " threads");
          }
    }
  }
}

TEST(randn_of_other_seeds_differs) {
  Threads threads(1);
  TensorView const a = host_view(DType::f32, {1000}), b = host_view(DType::f32, {1000});
  randn(threads, a, 1);
  for (uint64_t seed : {uint64_t{0}, uint64_t{2}, uint64_t{1} << 32 | 1}) {
    randn(threads, b, seed);
    int equal = 0;
    for (int64_t i = 0; i < 1000; ++i) equal += a.data<float>()[i] == b.data<float>()[i];
    expect(equal < 3, "two seeds share values");
  }
}

TEST(sincos_keeps_its_digits_for_large_angles) {
  for (double angle : {0.0, 1e-9, 0.7853, 0.7854, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 100.0, 131071.0,
                       1e6 + 0.3, 123456789.25, 2147483647.0, 2147483648.5, 1e12 + 0.125,
                       4503599627370497.0, 0x1.fffffffffffffp53})
    for (double sign : {1.0, -1.0}) {
      SinCos const turn = sincos_of_large(sign * angle);
      expect_near(turn.sin, std::sin(sign * angle), 5e-16, "sin " + std::to_string(angle));
      expect_near(turn.cos, std::cos(sign * angle), 5e-16, "cos " + std::to_string(angle));
    }
}

}  // namespace fattn::test
