#include "backends/cpu/attention/attention.h"

#include <algorithm>

#include "backends/cpu/attention/planner.h"
#include "backends/cpu/attention/scratch.h"
#include "backends/cpu/kernel_table.h"

namespace fattn::cpu {

void run_attention(JobContext& job, AttentionDesc const& desc, AttentionArgs const& args) {
  PlannedAttention planned;
  plan_attention(planned, desc, args, job.threads());
  KernelTable const& kernels = active_kernels();
  AttentionPlan const& plan = planned.plan;

  auto prefill = [&](int64_t i, Worker& worker) {
    kernels.prefill(plan, planned.prefill_tasks[i], worker.scratch(plan.prefill_scratch));
  };
  job.parallel_for(static_cast<int64_t>(planned.prefill_tasks.size()), planned.prefill_ns, prefill);
  auto decode = [&](int64_t i, Worker& worker) {
    kernels.decode(plan, planned.decode_tasks[i], worker.scratch(plan.decode_scratch));
  };
  job.parallel_for(static_cast<int64_t>(planned.decode_tasks.size()), planned.decode_ns, decode);
  if (planned.combine_tasks.empty() || job.stopped()) return;

  auto combine = [&](int64_t i, Worker& worker) {
    void* row = worker.scratch(round_up(desc.head_dim_v, kMaxLanes) * sizeof(float));
    kernels.combine(plan, planned.combine_tasks[i], row);
  };
  double const merged_floats = static_cast<double>(planned.partials.size());
  job.parallel_for(static_cast<int64_t>(planned.combine_tasks.size()), merged_floats / 4, combine);
}

Explanation explain_attention(AttentionDesc const& desc, bool with_lse) {
  KernelTable const& kernels = active_kernels();
  Explanation e;
  int64_t const per_sequence = desc.packed && desc.batch > 0 ? desc.seq_q / desc.batch : desc.seq_q;
  int64_t const shared = std::max<int64_t>(1, std::max(desc.heads_k, desc.heads_v));
  int64_t const group = (desc.heads_out + shared - 1) / shared;
  e.kernel = group * per_sequence <= kDecodeRows ? "cpu/decode" : "cpu/prefill";
  e.path = kernels.path;
  bool const decode = e.kernel == "cpu/decode";
  if (desc.precision == Precision::kBFloat16 && !kernels.bf16_dot) {
    e.note =
        "precision 'bfloat16' gains nothing here: this path has no bfloat16 dot product, products "
        "stay float32";
  } else if (desc.precision == Precision::kBFloat16 && decode) {
    e.note =
        "precision 'bfloat16' gains nothing here: decode is bound by reading float32 keys and "
        "values";
  }
  e.cost = attention_cost(desc, with_lse);
  return e;
}

}  // namespace fattn::cpu
