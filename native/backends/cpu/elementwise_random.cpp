#include "backends/cpu/elementwise_random.h"

#include <bit>
#include <cmath>

#include "backends/cpu/element_types.h"
#include "backends/cpu/philox.h"
#include "backends/cpu/sincos.h"
#include "backends/cpu/strided_loop.h"

namespace fattn::cpu {
namespace {

/// Natural logarithm of a positive normal number, within 1e-11: the mantissa, brought to
/// [sqrt(1/2), sqrt(2)], through the series of the inverse hyperbolic tangent.
double log_of(double value) {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  uint64_t const bits = std::bit_cast<uint64_t>(value);
  constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  uint64_t const above = bits - kSqrtHalf;
  int64_t const exponent = static_cast<int64_t>(above) >> 52;
  double const mantissa = std::bit_cast<double>((above & 0x000fffffffffffffu) + kSqrtHalf);
  double const t = (mantissa - 1) / (mantissa + 1);
  double const x = t * t;  // at most 0.0295
  double const series =
      1 + x * (1.0 / 3 + x * (1.0 / 5 + x * (1.0 / 7 + x * (1.0 / 9 + x * (1.0 / 11)))));
  return static_cast<double>(exponent) * kLn2 + 2 * t * series;
}

/// Box-Muller: two independent normals from two words. The radius takes the first, moved off zero;
/// the angle the second, in units of 2^-32 turns, of which the nearest quarter is exact.
void box_muller(uint32_t for_radius, uint32_t for_angle, float* pair) {
  constexpr double kPi = 0x1.921fb54442d18p+1;
  double const radius = std::sqrt(-2 * log_of((for_radius + 0.5) * 0x1p-32));
  uint32_t const quarter = (for_angle + 0x20000000u) >> 30;
  int32_t const rest = static_cast<int32_t>(for_angle - (quarter << 30));
  SinCos const angle = sincos_of_quarters(quarter, rest * (2 * kPi * 0x1p-32));
  pair[0] = static_cast<float>(radius * angle.cos);
  pair[1] = static_cast<float>(radius * angle.sin);
}

template <class To>
void fill_normals(JobContext& context, TensorView const& target, uint64_t seed) {
  StridedLoop const loop(StridedLoop::Order::kRowMajor, target.sizes, target.strides);
  To* const data = target.data<To>();
  int64_t const stride = loop.run_stride(0);
  auto fill = [&](int64_t begin, int64_t end) {
    std::array<float, 4> block{};
    int64_t drawn = -1;  // number of the block held
    loop.walk(begin, end, [&](int64_t first, int64_t offset, int64_t, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        int64_t const element = first + i;
        if (element / 4 != drawn) {
          drawn = element / 4;
          block = normals(seed, static_cast<uint64_t>(drawn));
        }
        data[offset + i * stride] = rounded<To>(block[element % 4]);
      }
    });
  };
  parallel_chunks(context, loop.elements(), 15, fill);
}

}  // namespace

std::array<float, 4> normals(uint64_t seed, uint64_t block) {
  auto const low = [](uint64_t value) { return static_cast<uint32_t>(value); };
  std::array<uint32_t, 4> const words =
      philox({low(block), low(block >> 32), 0, 0}, {low(seed), low(seed >> 32)});
  std::array<float, 4> values;
  box_muller(words[0], words[1], &values[0]);
  box_muller(words[2], words[3], &values[2]);
  return values;
}

void run_randn(JobContext& context, TensorView const& target, uint64_t seed) {
  with_float_type(target.dtype,
                  [&](auto to) { fill_normals<decltype(to)>(context, target, seed); });
}

}  // namespace fattn::cpu
