// The matrix product of every instruction path that this machine runs, against plain loops in
// double. The parity suite asks the same of the whole package and of many more cases; here the
// sanitizers and the emulated processors see the kernels too, on tensors without a spare byte.

#include <cmath>

#include "backends/cpu/linear/linear.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

struct Product {
  char const* name;
  int64_t rows, in, columns;
  bool bias = false;
  bool gaps = false;  // between the rows of x, w and out
};

// Few rows are those up to 12 or 16; a panel has up to 64 columns, a block 288 rows, 512 columns
// and a depth of 384 or 768.
constexpr Product kProducts[] = {
    {"one element", 1, 1, 1},
    {"one row", 1, 100, 70, true},
    {"few rows", 7, 35, 70, true, true},
    {"less than two tiles", 17, 5, 3},
    {"several tiles", 50, 70, 130, true, true},
    {"several blocks of depth", 17, 1030, 20},
    {"several blocks of rows and columns", 300, 9, 530, true},
    {"no depth", 17, 0, 5, true},
};

/// `rows` of `width`, with one element between them where there are gaps.
TensorView matrix(TensorView whole, Product const& c, int64_t width) {
  if (c.gaps) whole.sizes[1] = width;
  return whole;
}

LinearArgs make_tensors(Product const& c, DType dtype) {
  int64_t const gap = c.gaps ? 1 : 0;
  LinearArgs args;
  args.x = matrix(random_view(dtype, {c.rows, c.in + gap}, 1), c, c.in);
  args.w = matrix(random_view(dtype, {c.columns, c.in + gap}, 2), c, c.in);
  if (c.bias) args.bias = random_view(dtype, {c.columns}, 3);
  args.out = matrix(host_view(dtype, {c.rows, c.columns + gap}), c, c.columns);
  return args;
}

void run(Product const& c, LinearArgs const& args, Precision precision,
         cpu::KernelTable const& kernels, int thread_count) {
  LinearDesc const desc = describe_linear(args, precision);
  check_linear(desc, args);
  expect_equal(desc.rows, c.rows);
  Threads threads(thread_count);
  threads.run([&](cpu::JobContext& job) { cpu::run_linear(job, desc, args, kernels); });
}

void expect_product(Product const& c, LinearArgs const& args, double epsilon) {
  for (int64_t r = 0; r<c.rows; r += c.rows> 50 ? 13 : 1)
    for (int64_t n = 0; n < c.columns; ++n) {
      double sum = c.bias ? double{value_at(args.bias, {n})} : 0, size = std::fabs(sum);
      for (int64_t i = 0; i < c.in; ++i) {
        double const product = double{value_at(args.x, {r, i})} * value_at(args.w, {n, i});
        sum += product;
        size += std::fabs(product);
      }
      expect_near(value_at(args.out, {r, n}), sum, epsilon * size, c.name);
    }
}

}  // namespace

TEST(linear_agrees_with_plain_loops_on_every_path) {
  for (std::string const& path : cpu::available_paths())
    for (Product const& c : kProducts)
      for (DType const dtype : kFloats) {
        LinearArgs const args = make_tensors(c, dtype);
        run(c, args, Precision::kStorage, cpu::kernels_of(path), 2);
        expect_product(c, args, dtype == DType::f32 ? 2e-6 : dtype == DType::f16 ? 6e-4 : 5e-3);
      }
}

TEST(linear_in_bfloat16_agrees_on_every_path) {
  for (std::string const& path : cpu::available_paths())
    for (Product const& c : kProducts) {
      LinearArgs const args = make_tensors(c, DType::f32);
      run(c, args, Precision::kBFloat16, cpu::kernels_of(path), 2);
      expect_product(c, args, 8e-3);  // both factors are rounded to 8 bits
    }
}

TEST(linear_bits_do_not_depend_on_threads) {
  for (std::string const& path : cpu::available_paths())
    for (Product const& c : kProducts)
      for (DType const dtype : kFloats) {
        std::vector<char> expected;
        for (int count : {1, 2, 5}) {
          LinearArgs const args = make_tensors(c, dtype);
          run(c, args, Precision::kStorage, cpu::kernels_of(path), count);
          if (expected.empty()) expected = bytes_of(args.out);
          expect(bytes_of(args.out) == expected, c.name);
        }
      }
}

}  // namespace fattn::test
