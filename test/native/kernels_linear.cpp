// The matrix product's GPU kernels against plain loops: tiles that are not full, every way for rows
// to lie, under schedules that show a missing barrier or wait.

#include "kernels/linear/mma16/kernel.h"
#include "kernels/linear/simple/kernel.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

struct LinearProduct {
  char const* name;
  int outer, inner;  // axes of the rows of x and out; an outer row has gaps of its own
  int in, columns;
  bool bias = false;

  int rows() const { return outer * inner; }
};

/// Rows have gaps of kGap elements, and so have the outer axes of x and out.
template <class Element, int kGap>
class LinearCall {
 public:
  explicit LinearCall(LinearProduct const& c) : c_(c) {
    x = random_elements<Element>(elements(c.in), 1);
    w = random_elements<Element>(int64_t{c.columns} * (c.in + kGap), 2);
    bias = c.bias ? random_elements<Element>(c.columns, 3) : Guarded<Element>();
    out = Guarded<Element>(elements(c.columns));
    p.x = rows(x, c.in), p.out = rows(out, c.columns);
    p.w = w.data(), p.w_row = c.in + kGap;
    p.bias = bias.data();
    p.rows = c.rows(), p.in = c.in, p.columns = c.columns;
  }

  template <class Kernel>
  void run(EmulationOptions const& options) {
    int64_t const down = (c_.rows() + Kernel::kTileRows - 1) / Kernel::kTileRows;
    int64_t const across = (c_.columns + Kernel::kTileColumns - 1) / Kernel::kTileColumns;
    emulate<Kernel>(p, options, grid_of(down * across, 1));
    for (Guarded<Element> const* each : {&x, &w, &bias, &out}) each->expect_guards();
  }

  void expect_results() {
    std::vector<bool> written(static_cast<size_t>(out.size()), false);
    for (int r = 0; r < c_.rows(); ++r)
      for (int n = 0; n < c_.columns; ++n) {
        int64_t const at = offset(r, c_.columns) + n;
        written[static_cast<size_t>(at)] = true;
        expect_element(r, n, simt::to_float(out[at]));
      }
    for (int64_t i = 0; i < out.size(); ++i)
      expect(written[static_cast<size_t>(i)] || out.fresh(i), "a gap was written");
  }

  Element& x_at(int r, int i) { return x[offset(r, c_.in) + i]; }
  Element& w_at(int n, int i) { return w[int64_t{n} * (c_.in + kGap) + i]; }

  Guarded<Element> x, w, bias, out;
  LinearParams p{};

 private:
  int64_t outer_stride(int width) const { return int64_t{c_.inner} * (width + kGap) + kGap; }
  int64_t elements(int width) const { return c_.outer * outer_stride(width); }
  int64_t offset(int r, int width) const {
    return r / c_.inner * outer_stride(width) + r % c_.inner * (width + kGap);
  }
  MatrixRows rows(Guarded<Element>& t, int width) const {
    return {t.data(), 2, {c_.outer, c_.inner}, {outer_stride(width), width + kGap}};
  }

  void expect_element(int r, int n, double found) {
    double sum = c_.bias ? double{simt::to_float(bias[n])} : 0, sizes = std::fabs(sum);
    for (int i = 0; i < c_.in; ++i) {
      double const product = double{simt::to_float(x_at(r, i))} * simt::to_float(w_at(n, i));
      sum += product, sizes += std::fabs(product);
    }
    double const tolerance = 1e-6 * sizes + kUnit<Element> * std::fabs(sum);
    expect_near(found, sum, std::isfinite(sum) ? tolerance : 0, c_.name);
  }

  LinearProduct const c_;
};

template <class Element, int kGap, template <class> class Kernel>
void expect_all(std::vector<LinearProduct> const& products) {
  for (LinearProduct const& c : products)
    for_some_schedules([&](EmulationOptions const& options) {
      LinearCall<Element, kGap> call(c);
      call.template run<Kernel<Element>>(options);
      call.expect_results();
    });
}

// A warp has 8 rows and 4 columns, a block 16 columns; depth goes in steps of 32.
std::vector<LinearProduct> const kAnyProducts = {
    {"one element", 1, 1, 1, 1},
    {"one row", 1, 1, 70, 21, true},
    {"rows of two axes", 3, 5, 33, 17, true},
    {"full tiles", 2, 8, 64, 32},
    {"many tiles of rows", 1, 150, 5, 37},
    {"no depth", 1, 3, 0, 5, true},
};

TEST(kernels_linear_simple_float32) { expect_all<float, 3, SimpleLinear>(kAnyProducts); }
TEST(kernels_linear_simple_float16) { expect_all<F16, 3, SimpleLinear>(kAnyProducts); }
TEST(kernels_linear_simple_bfloat16) { expect_all<BF16, 3, SimpleLinear>(kAnyProducts); }

// Blocks have 128 rows and 256 columns, warps 64 of each; depth goes in steps of 64, three at a
// time.
std::vector<LinearProduct> const kQuadProducts = {
    {"less than a tile", 1, 3, 8, 16},
    {"one step", 1, 20, 64, 72, true},
    {"two steps", 1, 9, 72, 40},
    {"many steps", 1, 70, 456, 136, true},
    {"rows of two axes, several blocks", 5, 30, 40, 264, true},
    {"a full block", 1, 128, 128, 256},
    {"no depth", 1, 9, 0, 24, true},
};

TEST(kernels_linear_mma16_float16) { expect_all<F16, 8, Mma16Linear>(kQuadProducts); }
TEST(kernels_linear_mma16_bfloat16) { expect_all<BF16, 8, Mma16Linear>(kQuadProducts); }

// More tiles of rows than a group of them has: every rectangle is some block's.
TEST(kernels_linear_mma16_groups_of_tiles) {
  LinearCall<BF16, 8> call({"groups", 1, 1200, 8, 520});
  call.run<Mma16Linear<BF16>>({});
  call.expect_results();
}

// NaN and infinity do what they do in a plain loop: they spoil their row or column and no other.
template <class Element, int kGap, template <class> class Kernel>
void expect_contained() {
  for_some_schedules([&](EmulationOptions const& options) {
    LinearCall<Element, kGap> call({"poisoned", 1, 20, 136, 40, true});
    call.x_at(3, 135) = simt::round_to<Element>(NAN);
    call.w_at(39, 100) = simt::round_to<Element>(NAN);
    call.x_at(5, 64) = simt::round_to<Element>(INFINITY);
    call.w_at(7, 64) = simt::round_to<Element>(0);  // times infinity
    call.bias[2] = simt::round_to<Element>(-INFINITY);
    call.template run<Kernel<Element>>(options);
    call.expect_results();
  });
}

TEST(kernels_linear_contain_nan_and_infinity) {
  expect_contained<float, 3, SimpleLinear>();
  expect_contained<BF16, 8, Mma16Linear>();
  expect_contained<F16, 8, Mma16Linear>();
}

TEST(kernels_linear_in_quads) {
  LinearCall<BF16, 8> call({"aligned", 2, 3, 16, 24});
  expect(in_quads(call.p));
  auto const refused = [&](auto const& flaw) {
    LinearParams p = call.p;
    flaw(p);
    expect(!in_quads(p));
  };
  refused([](LinearParams& p) { p.in = 12; });
  refused([](LinearParams& p) { p.columns = 20; });
  refused([](LinearParams& p) { p.w_row = 20; });
  refused([](LinearParams& p) { p.x.strides[0] += 4; });
  refused([](LinearParams& p) { p.out.strides[1] += 1; });
  refused([](LinearParams& p) { p.w = static_cast<BF16 const*>(p.w) + 4; });
  refused([](LinearParams& p) { p.x.data = static_cast<BF16*>(p.x.data) + 1; });
  refused([](LinearParams& p) { p.out.data = static_cast<BF16*>(p.out.data) + 2; });
}

}  // namespace
}  // namespace fattn::test
