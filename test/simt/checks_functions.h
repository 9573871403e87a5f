// Functions of one thread, each within the error that simt/functions.h states for it.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "check.h"

namespace fattn::conformance {

enum class Function {
  kExp2Approximate,
  kLog2Approximate,
  kReciprocalApproximate,
  kTanhApproximate,
  kExp,
  kExp2,
  kLog,
  kLog1p,
  kTanh
};

struct Arguments {
  float const* x;
  float* y;
  int count;
};

template <Function kFunction>
struct Apply : KernelShape<Arguments, 128> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += kThreads) p.y[i] = of(p.x[i]);
  }
  FATTN_DEVICE static float of(float x) {
    if (kFunction == Function::kExp2Approximate) return exp2_approximate(x);
    if (kFunction == Function::kLog2Approximate) return log2_approximate(x);
    if (kFunction == Function::kReciprocalApproximate) return reciprocal_approximate(x);
    if (kFunction == Function::kTanhApproximate) return tanh_approximate(x);
    if (kFunction == Function::kExp) return exp_exact(x);
    if (kFunction == Function::kExp2) return exp2_exact(x);
    if (kFunction == Function::kLog) return log_exact(x);
    if (kFunction == Function::kLog1p) return log1p_exact(x);
    return tanh_exact(x);
  }
};

/// From `low` to `high` evenly, and as many of every magnitude in between.
inline std::vector<float> arguments(float low, float high) {
  constexpr int kEach = 3000;
  std::mt19937 generator(11);
  std::uniform_real_distribution<float> even(low, high);
  std::uniform_real_distribution<float> magnitude(-126, std::log2(std::max(-low, high)));
  std::vector<float> x;
  for (int i = 0; i < kEach; ++i) x.push_back(even(generator));
  for (int i = 0; i < kEach; ++i) {
    float const size = std::exp2(magnitude(generator));
    x.push_back(low < 0 && i % 2 == 0 ? std::max(-size, low)
                                      : std::max(size, std::fabs(low) * (low > 0)));
  }
  return x;
}

/// A unit in the last place of an f32 about as large as `exact`.
inline double ulp(double exact) {
  int const exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  return std::ldexp(1.0, exponent - 23);
}

template <Function kFunction>
std::vector<float> applied(Machine& machine, std::vector<float> const& x) {
  auto* const y = machine.room<float>(x.size(), NAN);
  machine.run<Apply<kFunction>>({machine.place(x), y, static_cast<int>(x.size())});
  return machine.fetch(y, x.size());
}

/// |y - exact(x)| <= bound(x, exact(x)); where `flushes`, y may be zero instead of subnormal.
template <Function kFunction, class Exact, class Bound>
void check_errors(Machine& machine, float low, float high, bool flushes, Exact exact, Bound bound) {
  auto const x = arguments(low, high);
  auto const y = applied<kFunction>(machine, x);
  for (size_t i = 0; i < x.size(); ++i) {
    double const right = exact(double{x[i]});
    if (std::fabs(right) > FLT_MAX && std::isinf(y[i]) && y[i] * right > 0) continue;
    bool const tiny = std::fabs(right) < FLT_MIN * (1 + 0x1p-20);
    if (flushes && tiny && y[i] == 0) continue;
    double const error = std::fabs(y[i] - right), most = bound(double{x[i]}, right);
    expect(error <= most, "of ", x[i], " is ", y[i], ", expected ", right, ": errs by ",
           error / most, " of what is allowed");
  }
}

/// Values that are exactly as listed; NaN agrees with NaN, and zeros with zeros of their sign.
template <Function kFunction>
void check_values(Machine& machine, std::vector<float> const& x, std::vector<float> const& y) {
  auto const got = applied<kFunction>(machine, x);
  for (size_t i = 0; i < x.size(); ++i) {
    bool const same = got[i] == y[i] ? std::signbit(got[i]) == std::signbit(y[i])
                                     : std::isnan(got[i]) && std::isnan(y[i]);
    expect(same, "of ", x[i], " is ", got[i], ", expected ", y[i]);
  }
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// So many units in the last place.
inline auto ulps(double count) {
  return [count](double, double exact) { return count * ulp(exact); };
}

inline void check_exp2_approximate(Machine& machine) {
  constexpr auto kOf = Function::kExp2Approximate;
  check_errors<kOf>(
      machine, -140, 129, true, [](double x) { return std::exp2(x); }, ulps(2));
  check_values<kOf>(machine, {0, -0.0f, FLT_MIN / 2, kInfinity, -kInfinity, -200, 130, kNan},
                    {1, 1, 1, kInfinity, 0, 0, kInfinity, kNan});
}

inline void check_log2_approximate(Machine& machine) {
  constexpr auto kOf = Function::kLog2Approximate;
  auto const bound = [](double x, double exact) {
    return 0x1p-22 * (x > 0.5 && x < 2 ? 1 : std::fabs(exact));
  };
  auto const exact = [](double x) { return std::log2(x); };
  check_errors<kOf>(machine, FLT_MIN, 4, true, exact, bound);
  check_errors<kOf>(machine, FLT_MIN, FLT_MAX, true, exact, bound);
  check_values<kOf>(machine, {0, -0.0f, FLT_MIN / 2, kInfinity, -1, kNan},
                    {-kInfinity, -kInfinity, -kInfinity, kInfinity, kNan, kNan});
}

inline void check_reciprocal_approximate(Machine& machine) {
  constexpr auto kOf = Function::kReciprocalApproximate;
  auto const exact = [](double x) { return 1 / x; };
  check_errors<kOf>(machine, -300, 300, true, exact, ulps(1));
  check_errors<kOf>(machine, FLT_MIN, 0x1p126f, true, exact, ulps(1));
  check_values<kOf>(machine, {0, -0.0f, FLT_MIN / 2, kInfinity, -kInfinity, kNan},
                    {kInfinity, -kInfinity, kInfinity, 0, -0.0f, kNan});
}

inline void check_tanh_approximate(Machine& machine) {
  constexpr auto kOf = Function::kTanhApproximate;
  check_errors<kOf>(
      machine, -12, 12, false, [](double x) { return std::tanh(x); },
      [](double, double exact) { return 0x1p-11 * std::fabs(exact); });
  check_values<kOf>(machine, {0, -0.0f, kInfinity, -kInfinity, kNan}, {0, -0.0f, 1, -1, kNan});
}

inline void check_exp_exact(Machine& machine) {
  check_errors<Function::kExp>(
      machine, -103, 89, false, [](double x) { return std::exp(x); }, ulps(2));
  check_values<Function::kExp>(machine, {0, -0.0f, kInfinity, -kInfinity, kNan},
                               {1, 1, kInfinity, 0, kNan});
}

inline void check_exp2_exact(Machine& machine) {
  check_errors<Function::kExp2>(
      machine, -149, 129, false, [](double x) { return std::exp2(x); }, ulps(2));
  check_values<Function::kExp2>(machine, {-149, 0, 10, kInfinity, -kInfinity, kNan},
                                {0x1p-149f, 1, 1024, kInfinity, 0, kNan});
}

inline void check_log_exact(Machine& machine) {
  auto const exact = [](double x) { return std::log(x); };
  check_errors<Function::kLog>(machine, 0x1p-140f, 4, false, exact, ulps(1));
  check_errors<Function::kLog>(machine, FLT_MIN, FLT_MAX, false, exact, ulps(1));
  check_values<Function::kLog>(machine, {0, 1, kInfinity, -1, kNan},
                               {-kInfinity, 0, kInfinity, kNan, kNan});
}

inline void check_log1p_exact(Machine& machine) {
  auto const exact = [](double x) { return std::log1p(x); };
  check_errors<Function::kLog1p>(machine, -0.99f, 4, false, exact, ulps(1));
  check_errors<Function::kLog1p>(machine, FLT_MIN, FLT_MAX, false, exact, ulps(1));
  check_values<Function::kLog1p>(machine, {-1, 0, -0.0f, kInfinity, -2, kNan},
                                 {-kInfinity, 0, -0.0f, kInfinity, kNan, kNan});
}

inline void check_tanh_exact(Machine& machine) {
  check_errors<Function::kTanh>(
      machine, -12, 12, false, [](double x) { return std::tanh(x); }, ulps(2));
  check_values<Function::kTanh>(machine, {0, -0.0f, kInfinity, -kInfinity, kNan},
                                {0, -0.0f, 1, -1, kNan});
}

struct Powers {
  double const* x;
  double* y;
  int count;
};

struct Power : KernelShape<Powers, 128> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = thread_index(); i < p.count; i += kThreads)
      p.y[i] = power(p.x[2 * i], p.x[2 * i + 1]);
  }
};

/// Within 2 ulp of a power whose own error is some 2^-11 of that where long double has 64 bits.
inline void check_power(Machine& machine) {
  std::mt19937_64 generator(5);
  std::uniform_real_distribution<double> base(1, 1e6), exponent(-4, 4);
  std::vector<double> x;
  constexpr int kCount = 2000;
  for (int i = 0; i < kCount; ++i) x.insert(x.end(), {base(generator), exponent(generator)});
  auto* const y = machine.room<double>(kCount);
  machine.run<Power>({machine.place(x), y, kCount});
  auto const got = machine.fetch(y, kCount);
  for (size_t i = 0; i < kCount; ++i) {
    long double const right = std::pow(static_cast<long double>(x[2 * i]), x[2 * i + 1]);
    long double const unit = std::ldexp(1.0L, std::ilogb(right) - 52);
    expect(std::fabs(got[i] - right) <= 2.01L * unit, x[2 * i], " to the ", x[2 * i + 1], " is ",
           got[i]);
  }
}

inline std::vector<Check> checks_of_functions() {
  return {
      {{"exp2_approximate"}, Needs::kSm80, check_exp2_approximate},
      {{"log2_approximate"}, Needs::kSm80, check_log2_approximate},
      {{"reciprocal_approximate"}, Needs::kSm80, check_reciprocal_approximate},
      {{"tanh_approximate"}, Needs::kSm80, check_tanh_approximate},
      {{"exp_exact"}, Needs::kSm80, check_exp_exact},
      {{"exp2_exact"}, Needs::kSm80, check_exp2_exact},
      {{"log_exact"}, Needs::kSm80, check_log_exact},
      {{"log1p_exact"}, Needs::kSm80, check_log1p_exact},
      {{"tanh_exact"}, Needs::kSm80, check_tanh_exact},
      {{"power"}, Needs::kSm80, check_power},
  };
}

}  // namespace fattn::conformance
