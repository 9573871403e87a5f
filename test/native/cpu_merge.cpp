#include <cmath>
#include <limits>

#include "backends/cpu/elementwise_merge.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void merge(Threads& threads, MergeArgs args) {
  check_merge_attention(args);
  threads.run([&](JobContext& job) { cpu::run_merge_attention(job, args); });
}

MergePart random_part(DType dtype, int64_t b, int64_t s, int64_t h, int64_t d, unsigned seed) {
  return {random_view(dtype, {b, s, h, d}, seed), random_view(DType::f32, {b, h, s}, seed + 1), {}};
}

MergeArgs with_outputs(std::vector<MergePart> parts) {
  Extents const sizes = parts[0].out.sizes;
  DType const dtype = parts[0].out.dtype;
  MergeArgs args{.parts = std::move(parts), .sinks = {}, .gate = {}, .out = {}, .lse = {}};
  args.out = host_view(dtype, sizes);
  args.lse = host_view(DType::f32, {sizes[0], sizes[2], sizes[1]});
  return args;
}

double weight(MergePart const& part, std::vector<int64_t> const& row) {
  double const w = value_at(part.weight.defined() ? part.weight : part.lse, row);
  return w == kInfinity ? -kInfinity : w;
}

/// attention-variants 1.4 in double, element by element.
void expect_merged(MergeArgs const& args) {
  double const ulp = args.out.dtype == DType::f32   ? 4e-7
                     : args.out.dtype == DType::f16 ? 1e-3
                                                    : 8e-3;
  Extents const& n = args.out.sizes;
  for (int64_t b = 0; b < n[0]; ++b)
    for (int64_t s = 0; s < n[1]; ++s)
      for (int64_t h = 0; h < n[2]; ++h) {
        double sum = args.sinks.defined() ? std::exp(double{value_at(args.sinks, {h})}) : 0;
        for (auto const& part : args.parts) sum += std::exp(weight(part, {b, h, s}));
        double const lse = sum > 0 ? std::log(sum) : -kInfinity;
        if (args.lse.defined()) expect_near(value_at(args.lse, {b, h, s}), lse, 1e-6, "lse");
        double const gate = args.gate.defined() ? value_at(args.gate, {b, h, s}) : 1;
        for (int64_t c = 0; c < n[3]; ++c) {
          double expected = 0;
          for (auto const& part : args.parts)
            if (double const w = weight(part, {b, h, s}); w > -kInfinity)
              expected += std::exp(w - lse) * value_at(part.out, {b, s, h, c});
          expected *= gate;
          expect_near(value_at(args.out, {b, s, h, c}), expected, ulp * (3 + std::fabs(expected)));
        }
      }
}

}  // namespace

TEST(merge_of_the_worked_example) {
  Threads threads(1);
  auto part = [](double o0, double o1, double lse) {
    MergePart made{host_view(DType::f32, {1, 1, 1, 2}), host_view(DType::f32, {1, 1, 1}), {}};
    set_values(made.out, [&](int64_t i) { return i == 0 ? o0 : o1; });
    set_values(made.lse, [&](int64_t) { return lse; });
    return made;
  };
  MergeArgs const args =
      with_outputs({part(0.650110, 0.756913, 1.123415), part(0.041581, -0.611858, -0.258796)});
  merge(threads, args);
  expect_near(args.out.data<float>()[0], 0.528006, 1e-6);
  expect_near(args.out.data<float>()[1], 0.482263, 1e-6);
  expect_near(args.lse.data<float>()[0], 1.347377, 1e-6);
}

TEST(merge_of_every_dtype_with_sinks_and_gate) {
  Threads threads(2);
  for (DType dtype : kFloats)
    for (bool extras : {false, true}) {
      MergeArgs args =
          with_outputs({random_part(dtype, 2, 7, 3, 20, 1), random_part(dtype, 2, 7, 3, 20, 3),
                        random_part(dtype, 2, 7, 3, 20, 5)});
      if (extras) {
        args.sinks = random_view(DType::f32, {3}, 7);
        args.gate = random_view(DType::f32, {2, 3, 7}, 8);
      }
      merge(threads, args);
      expect_merged(args);
    }
}

TEST(merge_with_weights_in_place_of_lse) {
  Threads threads(1);
  MergeArgs args = with_outputs(
      {random_part(DType::f32, 1, 5, 2, 8, 1), random_part(DType::f32, 1, 5, 2, 8, 3)});
  args.parts[1].lse = {};
  args.parts[1].weight = broadcast("weight", random_view(DType::f32, {2, 1}, 9), Extents{1, 2, 5});
  merge(threads, args);
  expect_merged(args);
}

TEST(merge_of_empty_parts_ignores_what_they_hold) {
  Threads threads(1);
  for (double empty : {-kInfinity, kInfinity}) {
    MergeArgs args = with_outputs(
        {random_part(DType::f32, 1, 1, 3, 4, 1), random_part(DType::f32, 1, 1, 3, 4, 3)});
    // Head 0: both empty. Head 1: the first. Head 2: none.
    args.parts[0].lse.data<float>()[0] = args.parts[1].lse.data<float>()[0] =
        args.parts[0].lse.data<float>()[1] = static_cast<float>(empty);
    for (int64_t c = 0; c < 8; ++c) args.parts[0].out.data<float>()[c] = NAN;
    for (int64_t c = 0; c < 4; ++c) args.parts[1].out.data<float>()[c] = NAN;
    merge(threads, args);
    expect_merged(args);
    for (int64_t c = 0; c < 4; ++c) expect_equal(args.out.data<float>()[c], 0.0f);
    expect_equal(args.lse.data<float>()[0], -std::numeric_limits<float>::infinity());
  }
}

TEST(merge_of_empty_rows_with_a_sink) {
  Threads threads(1);
  MergeArgs args = with_outputs({random_part(DType::f32, 1, 1, 1, 4, 1)});
  args.parts[0].lse.data<float>()[0] = -HUGE_VALF;
  args.sinks = random_view(DType::f32, {1}, 2);
  merge(threads, args);
  expect_merged(args);
  expect_equal(args.lse.data<float>()[0], args.sinks.data<float>()[0]);
}

TEST(merge_of_one_part_is_that_part) {
  Threads threads(1);
  for (DType dtype : kFloats) {
    MergeArgs const args = with_outputs({random_part(dtype, 1, 9, 2, 16, 1)});
    merge(threads, args);
    expect(bytes_of(args.out) == bytes_of(args.parts[0].out), "not the same bits");
    expect(bytes_of(args.lse) == bytes_of(args.parts[0].lse), "not the same lse");
  }
}

TEST(merge_of_large_logits_does_not_overflow) {
  Threads threads(1);
  MergeArgs const args = with_outputs(
      {random_part(DType::f32, 1, 1, 1, 4, 1), random_part(DType::f32, 1, 1, 1, 4, 3)});
  args.parts[0].lse.data<float>()[0] = 1e4f;
  args.parts[1].lse.data<float>()[0] = 1e4f;
  merge(threads, args);
  expect_near(args.lse.data<float>()[0], 1e4 + std::log(2), 1e-3);
  for (int64_t c = 0; c < 4; ++c)
    expect_near(args.out.data<float>()[c],
                (args.parts[0].out.data<float>()[c] + args.parts[1].out.data<float>()[c]) / 2,
                1e-6);
}

TEST(merge_reports_a_broken_part) {
  Threads threads(1);
  MergeArgs const args = with_outputs(
      {random_part(DType::f32, 1, 1, 1, 4, 1), random_part(DType::f32, 1, 1, 1, 4, 3)});
  args.parts[1].lse.data<float>()[0] = NAN;
  merge(threads, args);
  expect(std::isnan(args.lse.data<float>()[0]) && std::isnan(args.out.data<float>()[0]));
}

TEST(merge_of_packed_tokens_and_views) {
  Threads threads(2);
  MergeArgs dense = with_outputs(
      {random_part(DType::f32, 1, 11, 3, 6, 1), random_part(DType::f32, 1, 11, 3, 6, 3)});
  merge(threads, dense);
  auto without_batch = [](TensorView view) {
    Extents sizes(view.rank() - 1), strides(view.rank() - 1);
    for (int axis = 1; axis < view.rank(); ++axis) {
      sizes[axis - 1] = view.sizes[axis];
      strides[axis - 1] = view.strides[axis];
    }
    view.sizes = sizes;
    view.strides = strides;
    return view;
  };
  MergeArgs packed = dense;
  packed.out = transposed(host_view(DType::f32, {3, 11, 6}), 0, 1);  // heads first in memory
  packed.lse = host_view(DType::f32, {3, 11});
  for (MergePart& part : packed.parts)
    part = {without_batch(part.out), without_batch(part.lse), {}};
  merge(threads, packed);
  for (int64_t t = 0; t < 11; ++t)
    for (int64_t h = 0; h < 3; ++h) {
      expect_equal(value_at(packed.lse, {h, t}), value_at(dense.lse, {0, h, t}));
      for (int64_t c = 0; c < 6; ++c)
        expect_equal(value_at(packed.out, {t, h, c}), value_at(dense.out, {0, t, h, c}));
    }
}

TEST(merge_gives_the_same_bits_for_any_thread_count) {
  std::vector<char> first;
  MergeArgs args = with_outputs(
      {random_part(DType::bf16, 2, 300, 4, 64, 1), random_part(DType::bf16, 2, 300, 4, 64, 3)});
  for (int count = 1; count <= 8; ++count) {
    Threads threads(count);
    merge(threads, args);
    std::vector<char> const bits = bytes_of(args.out);
    if (count == 1) first = bits;
    expect(bits == first, "bits depend on the thread count");
  }
}

}  // namespace fattn::test
