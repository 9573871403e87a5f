// Functions of the emulator: the approximate ones err, but never by more than PTX allows.

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>

#include "core/half.h"
#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Arguments {
  float const* x;
  float* y;
  int count;
};

enum class Function { kExp2, kLog2, kReciprocal, kTanh };

template <Function kFunction>
struct Apply : KernelShape<Arguments, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += 32) {
      if (kFunction == Function::kExp2) p.y[i] = exp2_approximate(p.x[i]);
      if (kFunction == Function::kLog2) p.y[i] = log2_approximate(p.x[i]);
      if (kFunction == Function::kReciprocal) p.y[i] = reciprocal_approximate(p.x[i]);
      if (kFunction == Function::kTanh) p.y[i] = tanh_approximate(p.x[i]);
    }
  }
};

template <Function kFunction>
std::vector<float> applied(std::vector<float> const& x, uint64_t seed = 0) {
  std::vector<float> y(x.size());
  emulate<Apply<kFunction>>({x.data(), y.data(), static_cast<int>(x.size())}, {.error_seed = seed});
  return y;
}

double unit_of(double exact) { return std::ldexp(1.0, std::ilogb(exact) - 23); }

/// Every error is within `bound(x, exact)`, and some are above half of it.
template <Function kFunction, class Exact, class Bound>
void expect_errors(float low, float high, Exact exact, Bound bound) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> x(4000);
  for (auto& value : x) value = uniform(generator);
  auto const y = applied<kFunction>(x);
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    double const right = exact(double{x[i]});
    double const share = std::fabs(y[i] - right) / bound(double{x[i]}, right);
    expect(share <= 1, "x = " + std::to_string(x[i]) + " errs by " + std::to_string(share));
    worst = std::max(worst, share);
  }
  expect(worst > 0.5, "the errors that PTX allows occur");
}

TEST(emulator_approximations_err_as_much_as_allowed) {
  auto const ulps = [](double count) {
    return [count](double, double exact) { return count * unit_of(exact); };
  };
  expect_errors<Function::kExp2>(
      -120, 120, [](double x) { return std::exp2(x); }, ulps(2));
  expect_errors<Function::kReciprocal>(
      0.01f, 300, [](double x) { return 1 / x; }, ulps(1));
  expect_errors<Function::kLog2>(
      0.01f, 4, [](double x) { return std::log2(x); },
      [](double x, double exact) {
        return x > 0.5 && x < 2 ? 0x1p-22 : 0x1p-22 * std::fabs(exact);
      });
  expect_errors<Function::kTanh>(
      -4, 4, [](double x) { return std::tanh(x); },
      [](double, double exact) { return 0x1p-11 * std::fabs(exact); });
}

TEST(emulator_approximations_follow_from_seed_and_argument) {
  std::vector<float> x(200);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 0.37f * static_cast<float>(i);
  auto backwards = x;
  std::reverse(backwards.begin(), backwards.end());
  auto const y = applied<Function::kExp2>(x, 4);
  auto again = applied<Function::kExp2>(backwards, 4);
  std::reverse(again.begin(), again.end());
  expect(y == again, "the same argument gives the same bits");
  expect(y != applied<Function::kExp2>(x, 5), "another seed errs elsewhere");
}

TEST(emulator_approximations_keep_special_values) {
  float const inf = INFINITY, tiny = FLT_MIN / 2;
  auto const exp2 = applied<Function::kExp2>({-inf, inf, 0.0f, -0.0f, tiny, -200, -127, 130});
  std::vector<float> const powers{0, inf, 1, 1, 1, 0, 0, inf};
  expect(exp2 == powers);
  auto const log2 = applied<Function::kLog2>({0.0f, -0.0f, tiny, inf, -1, NAN});
  expect(log2[0] == -inf && log2[1] == -inf && log2[2] == -inf && log2[3] == inf);
  expect(std::isnan(log2[4]) && std::isnan(log2[5]));
  auto const inverse = applied<Function::kReciprocal>({0.0f, -0.0f, tiny, inf, -inf, FLT_MAX});
  expect(inverse[0] == inf && inverse[1] == -inf && inverse[2] == inf);
  expect(inverse[3] == 0 && inverse[4] == 0 && std::signbit(inverse[4]) && inverse[5] == 0);
  auto const tanh = applied<Function::kTanh>({0.0f, inf, -inf});
  expect(tanh[0] == 0 && tanh[1] == 1 && tanh[2] == -1);
  expect(std::isnan(applied<Function::kTanh>({NAN})[0]) &&
         std::isnan(applied<Function::kExp2>({NAN})[0]));
}

TEST(emulator_exact_functions_are_those_of_the_platform) {
  expect_equal(exp2_exact(-149), 0x1p-149f, "subnormals are kept");
  expect_near(log_exact(3), std::log(3.0), 0x1p-23);
  expect_near(tanh_exact(0.5f), std::tanh(0.5), 0x1p-23);
  expect_equal(fused_multiply_add(1 + 0x1p-12f, 1 + 0x1p-12f, -1), 0x1p-11f + 0x1p-24f);
  expect_equal(maximum(NAN, 1), 1.0f);
  expect_equal(maximum(-INFINITY, NAN), -INFINITY);
  expect(is_nan(NAN) && !is_nan(INFINITY));
  expect_equal(bits_of(1.0f), 0x3f800000u);
  expect_equal(float_of_bits(0xc0000000u), -2.0f);
  expect_equal(power(3, -0.5), std::pow(3.0, -0.5));
}

TEST(emulator_storage_types_round_to_nearest_even) {
  expect_equal(round_to<F16>(65520.0f).bits, 0x7c00);
  expect_equal(round_to<F16>(1 + 0x1p-11f).bits, 0x3c00);
  expect_equal(round_to<BF16>(1 + 0x1p-8f).bits, 0x3f80);
  expect_equal(round_to<BF16>(1 + 0x1.8p-7f).bits, 0x3f82);
  expect_equal(round_to<float>(0x1.fffffep0f), 0x1.fffffep0f);
  expect_equal(to_float(F16{0x0001}), 0x1p-24f);
  expect_equal(to_float(BF16{0xc000}), -2.0f);
  expect_equal(to_float(3.0f), 3.0f);
}

}  // namespace
}  // namespace fattn::test
