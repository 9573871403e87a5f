#include "backends/cpu/dynamic_mask/key_scores.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backends/cpu/element_types.h"
#include "backends/cpu/token_rows.h"

namespace fattn::cpu {
namespace {

constexpr int64_t kElementsPerTask = 1 << 16;
constexpr int64_t kSums = 16;  // side by side, so that they fill vectors on every processor

/// ln(1 + e^x).
float softplus(float x) { return std::max(x, 0.0f) + std::log1p(std::exp(-std::fabs(x))); }

/// Sums in an order of their own, the same on every processor.
float dot(float const* a, float const* b, int64_t count) {
  float sums[kSums] = {};
  int64_t c = 0;
  for (; c + kSums <= count; c += kSums)
    for (int64_t i = 0; i < kSums; ++i) sums[i] += a[c + i] * b[c + i];
  for (int64_t i = 0; c < count; ++c, ++i) sums[i] += a[c] * b[c];
  for (int64_t half = kSums / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  return sums[0];
}

/// Elements of a float tensor of one or two axes as floats; `transpose` swaps the two.
std::vector<float> floats_of(TensorView const& view, bool transpose) {
  std::vector<float> result(static_cast<size_t>(view.elements()));
  int64_t const rows = transpose ? view.sizes[1] : 1;
  int64_t const columns = view.sizes[0];
  int64_t const row_stride = transpose ? view.strides[1] : 0;
  with_float_type(view.dtype, [&](auto type) {
    auto const* data = view.data<decltype(type)>();
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        result[static_cast<size_t>(r * columns + c)] =
            to_f32(data[r * row_stride + c * view.strides[0]]);
  });
  return result;
}

struct KeyScores {
  KeyScoreForm form;
  TokenRows v;
  int64_t heads, width;    // score heads; elements of a token, over all value heads
  std::vector<float> wdt;  // [heads, width]
  std::vector<float> a;    // [heads]
  float* scores;
  int64_t batch_stride, head_stride, key_stride;

  KeyScores(KeyScoreForm score_form, KeyScoresArgs const& args)
      : form(score_form),
        v(args.v),
        heads(args.a.sizes[0]),
        width(v.heads * v.dim),
        wdt(floats_of(args.wdt, true)),
        a(floats_of(args.a, false)),
        scores(args.scores.data<float>()) {
    int const axis = args.scores.rank() - 2;
    batch_stride = axis == 1 ? args.scores.strides[0] : 0;
    head_stride = args.scores.strides[axis];
    key_stride = args.scores.strides[axis + 1];
  }

  /// `row`: room for the values of a token.
  template <class T>
  void score_token(int64_t b, int64_t s, float* row) const {
    for (int64_t h = 0; h < v.heads; ++h) {
      T const* const from = v.row<T>(b, s, h);
      for (int64_t c = 0; c < v.dim; ++c) row[h * v.dim + c] = to_f32(from[c]);
    }
    for (int64_t n = 0; n < heads; ++n) {
      float const e = a[static_cast<size_t>(n)] * softplus(dot(row, wdt.data() + n * width, width));
      scores[b * batch_stride + n * head_stride + s * key_stride] =
          form == KeyScoreForm::kExp ? std::exp(e) : e;
    }
  }
};

}  // namespace

void run_key_scores(JobContext& context, KeyScoreForm form, KeyScoresArgs const& args) {
  if (args.scores.elements() == 0) return;
  KeyScores const work(form, args);
  TokenRows const& v = work.v;
  int64_t const tokens = v.batch * v.tokens, per_token = work.width * work.heads;
  int64_t const tokens_per_task =
      std::max<int64_t>(1, kElementsPerTask / std::max<int64_t>(1, per_token));
  auto task = [&](int64_t index, Worker& worker) {
    auto* const row =
        static_cast<float*>(worker.scratch(static_cast<size_t>(work.width + 1) * sizeof(float)));
    int64_t const end = std::min(tokens, (index + 1) * tokens_per_task);
    with_float_type(args.v.dtype, [&](auto type) {
      for (int64_t t = index * tokens_per_task; t < end; ++t)
        work.score_token<decltype(type)>(t / v.tokens, t % v.tokens, row);
    });
  };
  double const nanoseconds =
      static_cast<double>(tokens) * static_cast<double>(per_token / 8 + 30 * work.heads);
  context.parallel_for((tokens + tokens_per_task - 1) / tokens_per_task, nanoseconds, task);
}

}  // namespace fattn::cpu
