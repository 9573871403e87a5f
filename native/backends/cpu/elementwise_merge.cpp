#include "backends/cpu/elementwise_merge.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/element_types.h"
#include "backends/cpu/token_rows.h"

namespace fattn::cpu {
namespace {

constexpr float kEmpty = -std::numeric_limits<float>::infinity();
constexpr int64_t kElementsPerTask = 1 << 15;

/// Kernels elsewhere write +inf for a row that saw no key; no finite weight can mean that.
float weight_of(float lse) { return lse == -kEmpty ? kEmpty : lse; }

struct Merge {
  struct Part {
    TokenRows out;
    RowValues weight;
  };
  std::vector<Part> parts;
  TokenRows out;
  RowValues lse, gate;
  float const* sinks = nullptr;
  int64_t sink_stride = 0;

  explicit Merge(MergeArgs const& args) : out(args.out), lse(args.lse), gate(args.gate) {
    for (MergePart const& part : args.parts)
      parts.push_back(
          {TokenRows(part.out), RowValues(part.weight.defined() ? part.weight : part.lse)});
    if (args.sinks.defined()) {
      sinks = args.sinks.data<float>();
      sink_stride = args.sinks.strides[0];
    }
  }
};

/// Shares of the parts in one row, summing to 1 less the share of the sink; all zero in an empty
/// row. Returns the merged lse. Parts are summed in order, the sink last.
float shares_of_row(Merge const& merge, int64_t b, int64_t s, int64_t h, float* shares) {
  size_t const parts = merge.parts.size();
  float const sink = merge.sinks ? merge.sinks[h * merge.sink_stride] : kEmpty;
  float greatest = sink;
  for (size_t p = 0; p < parts; ++p) {
    shares[p] = weight_of(merge.parts[p].weight.at(b, h, s));
    // A NaN must win: it says that something upstream is broken.
    greatest = shares[p] > greatest || std::isnan(shares[p]) ? shares[p] : greatest;
  }
  if (greatest == kEmpty) {
    std::fill_n(shares, parts, 0.0f);
    return kEmpty;
  }
  float sum = 0;
  for (size_t p = 0; p < parts; ++p) sum += shares[p] = std::exp(shares[p] - greatest);
  sum += std::exp(sink - greatest);
  for (size_t p = 0; p < parts; ++p) shares[p] /= sum;
  return greatest + std::log(sum);
}

template <class T>
void merge_row(Merge const& merge, int64_t b, int64_t s, int64_t h, float* shares, float* sum) {
  float const lse = shares_of_row(merge, b, s, h, shares);
  if (merge.lse.defined()) merge.lse.at(b, h, s) = lse;
  int64_t const dim = merge.out.dim;
  std::fill_n(sum, dim, 0.0f);
  for (size_t p = 0; p < merge.parts.size(); ++p) {
    if (shares[p] == 0) continue;  // an empty part may hold anything, NaN too
    T const* const part = merge.parts[p].out.row<T>(b, s, h);
    float const share = shares[p];
    for (int64_t c = 0; c < dim; ++c) sum[c] += share * to_f32(part[c]);
  }
  float const gate = merge.gate.defined() ? merge.gate.at(b, h, s) : 1.0f;
  T* const out = merge.out.row<T>(b, s, h);
  for (int64_t c = 0; c < dim; ++c) out[c] = rounded<T>(gate * sum[c]);
}

template <class T>
void merge_rows(JobContext& context, Merge const& merge) {
  TokenRows const& out = merge.out;
  int64_t const rows = out.batch * out.tokens * out.heads;
  if (rows == 0) return;
  int64_t const parts = static_cast<int64_t>(merge.parts.size());
  int64_t const row_work = std::max<int64_t>(1, out.dim * parts);
  int64_t const rows_per_task = std::max<int64_t>(1, kElementsPerTask / row_work);
  auto task = [&](int64_t index, Worker& worker) {
    float* const shares =
        static_cast<float*>(worker.scratch(static_cast<size_t>(parts + out.dim) * sizeof(float)));
    int64_t const end = std::min(rows, (index + 1) * rows_per_task);
    for (int64_t row = index * rows_per_task; row < end; ++row) {
      int64_t const token = row / out.heads;
      merge_row<T>(merge, token / out.tokens, token % out.tokens, row % out.heads, shares,
                   shares + parts);
    }
  };
  // Half a nanosecond per element read, some ten per exponential.
  double const nanoseconds = static_cast<double>(rows) * static_cast<double>(row_work / 2 + 10);
  context.parallel_for((rows + rows_per_task - 1) / rows_per_task, nanoseconds, task);
}

}  // namespace

void run_merge_attention(JobContext& context, MergeArgs const& args) {
  Merge const merge(args);
  with_float_type(args.out.dtype, [&](auto type) { merge_rows<decltype(type)>(context, merge); });
}

}  // namespace fattn::cpu
