// Fill, copy and random numbers: the bits of the CPU backend, on tensors of any strides.

#include "backends/cpu/elementwise_copy.h"
#include "backends/cpu/elementwise_random.h"
#include "cpu_fixture.h"
#include "kernels/elementwise/copy.h"
#include "kernels/elementwise/fill.h"
#include "kernels/elementwise/random.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

/// [5, 300, 2]: row-major as read; written with the last two axes exchanged, and every third
/// element of memory. Elements: more than two blocks of every kernel, and not a multiple of 4.
constexpr int64_t kElements = 5 * 300 * 2 - 1;
StridedAxes axes() { return {5 * 300 * 2, {5, 300, 2}, {3 * 600, 3, 3 * 300}, {600, 2, 1}, 3}; }
constexpr int64_t kSpan = 3 * (kElements + 1);

int64_t target_of(int64_t i) { return i / 600 * 1800 + i / 2 % 300 * 3 + i % 2 * 900; }

ElementType element_type(DType dtype) {
  return static_cast<ElementType>(dtype == DType::boolean ? DType::u8 : dtype);
}

/// Elements of `written` in memory of kSpan are those of `expected` in row-major order, and nothing
/// else was written.
void expect_spread(Guarded<uint8_t>& written, std::vector<char> const& expected, int64_t bytes,
                   Where where = Where::current()) {
  written.expect_guards(where);
  for (int64_t i = 0; i <= kElements; ++i) {
    bool const same = std::memcmp(&written[target_of(i) * bytes], &expected[i * bytes],
                                  static_cast<size_t>(bytes)) == 0;
    if (!same) fail(where, "element ", i, " differs");
    for (int64_t gap = 1; gap < 3 * bytes - bytes; ++gap)
      expect(written.fresh(target_of(i) * bytes + bytes - 1 + gap), "a gap was written", where);
  }
}

/// Contiguous elements of a dtype, among them all that is special.
TensorView varied(DType dtype) {
  TensorView view = host_view(dtype, {5, 300, 2});
  std::mt19937 generator(4);
  if (is_float(dtype)) {
    std::normal_distribution<double> normal;
    set_values(view, [&](int64_t i) {
      double const special[] = {0.0,   -0.0,  65519.99,   65520,   1e39,
                                -1e39, 1e-41, 1 + 0x1p-8, INFINITY};
      return i < 9 ? special[i] : normal(generator) * std::exp(normal(generator) * 8);
    });
  } else if (dtype == DType::i32) {
    for (int64_t i = 0; i < view.elements(); ++i)
      view.data<int32_t>()[i] = static_cast<int32_t>(generator()) >> (i % 24);
    int32_t const special[] = {INT32_MIN, INT32_MAX, 0x1010001, -0x1010001, 0x1010000, 0x1000001};
    std::copy(std::begin(special), std::end(special), view.data<int32_t>());
  } else {
    for (int64_t i = 0; i < view.elements(); ++i)
      view.data<uint8_t>()[i] = static_cast<uint8_t>(dtype == DType::u8 ? generator() : i % 2);
  }
  return view;
}

TEST(kernels_copy_has_the_bits_of_the_cpu) {
  Threads threads(1);
  DType const all[] = {DType::f32, DType::f16, DType::bf16, DType::i32, DType::u8, DType::boolean};
  for (DType const from : all)
    for (DType const to : all) {
      if (from != to && !is_float(to) && !(from == DType::boolean && to == DType::u8)) continue;
      TensorView const source = varied(from), expected = host_view(to, {5, 300, 2});
      threads.run([&](cpu::JobContext& job) { cpu::run_copy(job, source, expected); });
      for_some_schedules([&](EmulationOptions const& options) {
        Guarded<uint8_t> target(kSpan * size_of(to));
        CopyParams const p{axes(), source.bytes(), target.data(), element_type(from),
                           element_type(to)};
        emulate<Copy>(p, options, grid_of(kElements + 1, Copy::kBlockElements));
        expect_spread(target, bytes_of(expected), size_of(to));
      });
    }
}

TEST(kernels_fill_writes_every_element_and_nothing_else) {
  for (int32_t const bytes : {1, 2, 4}) {
    uint32_t const word = 0x12345678;
    std::vector<char> expected;
    for (int64_t i = 0; i <= kElements; ++i) {
      char const* const low = reinterpret_cast<char const*>(&word);
      expected.insert(expected.end(), low, low + bytes);
    }
    for_some_schedules([&](EmulationOptions const& options) {
      Guarded<uint8_t> target(kSpan * bytes);
      emulate<Fill>({axes(), target.data(), bytes, word}, options,
                    grid_of(kElements + 1, Fill::kBlockElements));
      expect_spread(target, expected, bytes);
    });
  }
}

TEST(kernels_random_has_the_bits_of_the_cpu) {
  Threads threads(1);
  uint64_t const seed = 0xfedcba9876543210;
  for (DType const dtype : kFloats) {
    TensorView const expected = host_view(dtype, {5, 300, 2});
    threads.run([&](cpu::JobContext& job) { cpu::run_randn(job, expected, seed); });
    for_some_schedules([&](EmulationOptions const& options) {
      Guarded<uint8_t> target(kSpan * size_of(dtype));
      emulate<Random>({axes(), target.data(), element_type(dtype), seed}, options,
                      grid_of(kElements + 1, Random::kBlockElements));
      expect_spread(target, bytes_of(expected), size_of(dtype));
    });
  }
}

// A part of a draw, and no axis at all.
TEST(kernels_elementwise_stop_at_the_last_element) {
  for (int64_t count : {1, 3, 6}) {
    Guarded<float> target(count);
    StridedAxes const axes =
        count == 1 ? StridedAxes{1, {}, {}, {}, 0} : StridedAxes{count, {count}, {1}, {1}, 1};
    emulate<Random>({axes, target.data(), ElementType::kF32, 9});
    target.expect_guards();
    for (int64_t i = 0; i < count; ++i)
      expect_equal(target[i], normals(9, static_cast<uint64_t>(i / 4)).value[i % 4]);
  }
}

// Both kinds of division find the same places.
TEST(kernels_strided_offsets_of_large_tensors) {
  StridedAxes large{int64_t{3} << 32, {3, 1 << 16, 1 << 16}, {7, 1, 1 << 16}, {1, 5, 0}, 3};
  for (int64_t const element : {int64_t{0}, int64_t{65537}, (int64_t{2} << 32) + (5 << 16) + 6}) {
    ElementOffsets const at = offsets_of(large, element);
    int64_t const a = element >> 32, b = element >> 16 & 0xffff, c = element & 0xffff;
    expect_equal(at.target, a * 7 + b + (c << 16));
    expect_equal(at.source, a + b * 5);
  }
}

}  // namespace
}  // namespace fattn::test
