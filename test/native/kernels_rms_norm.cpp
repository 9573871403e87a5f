// The root-mean-square norm against plain loops in double.

#include "kernels/elementwise/rms_norm.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

struct NormCase {
  int width;
  int rows;
  enum { kNone, kStorage, kWide } weight = kStorage;
  bool in_place = false;
};

template <class Element>
void expect_normalised(NormCase const& c, EmulationOptions const& options) {
  constexpr int kGap = 3;
  constexpr float kEpsilon = 0.25f;
  int const row = c.width + kGap;
  auto x = random_elements<Element>(c.rows * row, 1);
  auto const source = x;
  Guarded<Element> fresh(x.size());
  Guarded<Element>& out = c.in_place ? x : fresh;
  auto narrow = random_elements<Element>(c.width, 2);
  auto wide = random_elements<float>(c.width, 3);

  RmsNormParams p{};
  p.x = {x.data(), 1, {c.rows}, {row}};
  p.out = {out.data(), 1, {c.rows}, {row}};
  p.wide_weight = c.weight == NormCase::kWide;
  if (c.weight == NormCase::kStorage) p.weight = narrow.data();
  if (c.weight == NormCase::kWide) p.weight = wide.data();
  p.rows = c.rows, p.width = c.width, p.epsilon = kEpsilon;
  using Kernel = RmsNorm<Element>;
  emulate<Kernel>(p, options, grid_of(c.rows, Kernel::kRows));
  out.expect_guards();

  auto original = source;
  for (int r = 0; r < c.rows; ++r) {
    double sum = 0;
    for (int e = 0; e < c.width; ++e) {
      double const value = simt::to_float(original[r * row + e]);
      sum += value * value;
    }
    double const root = std::sqrt(sum / c.width + kEpsilon);
    for (int e = 0; e < c.width; ++e) {
      double const weight = c.weight == NormCase::kNone   ? 1
                            : c.weight == NormCase::kWide ? double{wide[e]}
                                                          : double{simt::to_float(narrow[e])};
      double const expected = simt::to_float(original[r * row + e]) / root * weight;
      // Subnormal numbers of f16 are 2^-24 apart.
      expect_near(simt::to_float(out[r * row + e]), expected,
                  0x1p-24 + (1e-6 + kUnit<Element>)*std::fabs(expected));
    }
    for (int e = c.width; e < row && !c.in_place; ++e)
      expect(out.fresh(r * row + e), "a gap was written");
  }
}

// A block takes 4 rows, a warp 32 elements at a time.
TEST(kernels_rms_norm_normalises_rows) {
  for (NormCase const& c :
       {NormCase{1, 1}, NormCase{31, 4}, NormCase{32, 5}, NormCase{33, 3, NormCase::kWide},
        NormCase{64, 9, NormCase::kNone}, NormCase{200, 6, NormCase::kStorage, true}})
    for_some_schedules([&](EmulationOptions const& options) {
      expect_normalised<float>(c, options);
      expect_normalised<F16>(c, options);
      expect_normalised<BF16>(c, options);
    });
}

struct RootArguments {
  float const* x;
  float* y;
  int count;
};

struct Roots : KernelShape<RootArguments, 32> {
  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    for (int i = simt::thread_index(); i < p.count; i += 32) p.y[i] = square_root(p.x[i]);
  }
};

TEST(kernels_square_root_is_within_an_ulp) {
  std::vector<float> x;
  for (int exponent = -126; exponent < 128; ++exponent)
    for (double const mantissa : {1.0, 1.1, 1.4142135, 1.5, 1.9999998})
      x.push_back(static_cast<float>(std::ldexp(mantissa, exponent)));
  std::vector<float> y(x.size());
  emulate<Roots>({x.data(), y.data(), static_cast<int>(x.size())});
  for (size_t i = 0; i < x.size(); ++i) {
    double const exact = std::sqrt(double{x[i]});
    expect_near(y[i], exact, exact * 0x1p-23, std::to_string(x[i]));
  }
}

}  // namespace
}  // namespace fattn::test
