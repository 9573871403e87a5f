#include "backends/cpu/compressed_conv/compressed_conv.h"

#include <algorithm>
#include <cstring>

#include "backends/cpu/compressed_conv/planner.h"
#include "backends/cpu/compressed_conv/scratch.h"

namespace fattn::cpu {
namespace {

constexpr double kFlopsPerNs = 50;  // one modest core: only orders of magnitude matter here

/// 1 for tokens in use, 0 for padding.
void mark_in_use(PlannedConv const& planned, TensorView const& in_use) {
  if (!in_use.defined()) return;
  for (ConvSequence const& s : planned.sequences) {
    float* const row = in_use.data<float>() + s.batch * in_use.strides[0];
    for (int64_t t = 0; t < s.rows; ++t) row[t * in_use.strides[1]] = t < s.tokens ? 1.0f : 0.0f;
  }
}

/// Copies a row of `count` elements between rows of tokens, or zeros where there is none.
void copy_row(char const* from, char* to, int64_t bytes) {
  if (from)
    std::memcpy(to, from, static_cast<size_t>(bytes));
  else
    std::memset(to, 0, static_cast<size_t>(bytes));
}

/// What the convolutions and the shift of later tokens see of these.
void keep_history(PlannedConv const& planned, CompressedConvDesc const& desc,
                  CompressedConvArgs const& args) {
  ConvPlan const& plan = planned.plan;
  int64_t const size = size_of(desc.dtype);
  auto at = [&](ConvRows const& rows, int64_t sequence, int64_t token) {
    return rows.data + (sequence * rows.sequence + token * rows.token) * size;
  };
  for (ConvSequence const& s : planned.sequences) {
    if (s.tokens == 0 && desc.packed && s.rows > 0) continue;  // padding behind the last
    if (args.next_history.defined()) {
      TensorView const& next = args.next_history;
      for (int64_t i = 0; i < desc.halo(); ++i) {
        int64_t const t = s.tokens - desc.halo() + i;
        char const* from = nullptr;
        if (t >= 0) from = at(plan.latent, s.batch, s.first + t);
        if (t < 0 && plan.history.data) from = at(plan.history, s.number, desc.halo() + t);
        copy_row(from, next.bytes() + (s.number * next.strides[0] + i * next.strides[1]) * size,
                 desc.channels() * size);
      }
    }
    if (args.next_delayed.defined()) {
      char const* from = plan.first_delayed;
      if (plan.delayed_history.data) from = at(plan.delayed_history, s.number, 0);
      if (s.tokens > 0) from = at(plan.delayed, s.batch, s.first + s.tokens - 1);
      copy_row(from, args.next_delayed.bytes() + s.number * args.next_delayed.strides[0] * size,
               desc.half_values() * size);
    }
  }
}

}  // namespace

void run_compressed_conv(JobContext& job, CompressedConvDesc const& desc,
                         CompressedConvArgs const& args, KernelTable const& kernels) {
  PlannedConv planned;
  plan_compressed_conv(planned, desc, args, job.threads());
  ConvPlan const& plan = planned.plan;
  Arena measured{nullptr};
  ConvScratch::lay_out(measured, plan);
  size_t const scratch = static_cast<size_t>(measured.used);
  auto tile = [&](int64_t i, Worker& worker) {
    kernels.compressed_conv(plan, planned.tasks[static_cast<size_t>(i)], worker.scratch(scratch));
  };
  double const nanoseconds = compressed_conv_cost(desc).flops / kFlopsPerNs;
  job.parallel_for(static_cast<int64_t>(planned.tasks.size()), nanoseconds, tile);
  mark_in_use(planned, args.in_use);
  keep_history(planned, desc, args);
}

CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc,
                                                  KernelTable const& kernels) {
  double const tiles = static_cast<double>((desc.seq + kConvTokens - 1) / kConvTokens) *
                       (desc.packed ? 1.0 : static_cast<double>(desc.batch));
  double const halo = static_cast<double>(size_of(desc.dtype) * desc.halo() * desc.channels());
  CompressedConvExplanation e;
  e.kernel = "cpu/compressed-conv";
  e.path = kernels.path;
  e.cost = compressed_conv_cost(desc);
  e.bytes_moved = e.cost.bytes + tiles * halo;
  return e;
}

}  // namespace fattn::cpu
