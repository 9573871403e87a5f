#include "backends/cpu/elementwise_rms_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/cpu/element_types.h"
#include "core/ops/merged_rows.h"
#include "kernels/matrix_rows.h"

namespace fattn::cpu {
namespace {

constexpr int64_t kElementsPerTask = 1 << 15;
constexpr int64_t kLanes = 16;  // partial sums, so that compilers vectorise what adds up

/// [n] in float32; ones where there is no weight.
std::vector<float> weights_of(TensorView const& weight, int64_t n) {
  std::vector<float> result(static_cast<size_t>(n), 1.0f);
  if (!weight.defined()) return result;
  with_float_type(weight.dtype, [&](auto type) {
    auto const* const data = weight.data<decltype(type)>();
    for (int64_t c = 0; c < n; ++c) result[static_cast<size_t>(c)] = to_f32(data[c]);
  });
  return result;
}

template <class T>
float sum_of_squares(T const* x, int64_t n) {
  float sums[kLanes] = {};
  int64_t const whole = n - n % kLanes;
  for (int64_t at = 0; at < whole; at += kLanes)
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      float const value = to_f32(x[at + lane]);
      sums[lane] += value * value;
    }
  for (int64_t c = whole; c < n; ++c) sums[c - whole] += to_f32(x[c]) * to_f32(x[c]);
  float total = 0;
  for (float const sum : sums) total += sum;
  return total;
}

template <class T>
void normalise_row(T const* x, T* out, float const* weights, int64_t n, float epsilon) {
  float const scale = 1 / std::sqrt(sum_of_squares(x, n) / static_cast<float>(n) + epsilon);
  for (int64_t c = 0; c < n; ++c) out[c] = rounded<T>(to_f32(x[c]) * scale * weights[c]);
}

template <class T>
void normalise_rows(JobContext& context, float epsilon, RmsNormArgs const& args) {
  int64_t const n = args.x.sizes[args.x.rank() - 1];
  int64_t const rows = args.x.elements() / n;
  auto const x = merged_rows<MatrixRows>(args.x), out = merged_rows<MatrixRows>(args.out);
  std::vector<float> const weights = weights_of(args.weight, n);
  int64_t const rows_per_task = std::max<int64_t>(1, kElementsPerTask / n);
  auto task = [&](int64_t index, Worker&) {
    int64_t const end = std::min(rows, (index + 1) * rows_per_task);
    for (int64_t row = index * rows_per_task; row < end; ++row)
      normalise_row(x.row<T>(row), out.row<T>(row), weights.data(), n, epsilon);
  };
  double const nanoseconds = static_cast<double>(rows) * static_cast<double>(n + 10);
  context.parallel_for((rows + rows_per_task - 1) / rows_per_task, nanoseconds, task);
}

}  // namespace

void run_rms_norm(JobContext& context, float epsilon, RmsNormArgs const& args) {
  if (args.x.elements() == 0) return;
  with_float_type(args.x.dtype,
                  [&](auto type) { normalise_rows<decltype(type)>(context, epsilon, args); });
}

}  // namespace fattn::cpu
