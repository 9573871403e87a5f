#include "backends/cpu/attention/attention.h"

#include <algorithm>

#include "backends/cpu/attention/heads.h"
#include "backends/cpu/attention/planner.h"
#include "backends/cpu/attention/scratch.h"
#include "backends/cpu/kernel_table.h"
#include "core/error.h"

namespace fattn::cpu {

namespace {

/// Why the kernels do not serve a call, or null: indices within a sequence are 32 bits.
char const* refusal(AttentionDesc const& desc) {
  bool const long_sequence = desc.seq_kv >= INT32_MAX / 2 || desc.seq_q >= INT32_MAX / 2;
  if (desc.heads_out > 1 << 20 || desc.batch > 1 << 28)
    return "2^20 heads or 2^28 sequences or more";
  bool const wide_head = desc.head_dim >= 1 << 20 || desc.head_dim_v >= 1 << 20;
  if (long_sequence) return "sequences of 2^30 tokens or more";
  return wide_head ? "head dims of 2^20 or more" : nullptr;
}

/// What the kernels multiply as bfloat16.
bool multiplies_halves(AttentionDesc const& desc, KernelTable const& kernels) {
  return kernels.bf16_dot && (desc.dtype == DType::bf16 || desc.precision == Precision::kBFloat16);
}

/// What a plan finds out about the lengths of sequences, without one.
void check_lengths(AttentionDesc const& desc, AttentionArgs const& args) {
  if (desc.packed) {
    read_cu_seq_lens("cuSeqLensQ", args.cu_seq_lens_q, desc.batch, desc.seq_q);
    read_cu_seq_lens("cuSeqLensK", args.cu_seq_lens_k, desc.batch, desc.seq_kv);
  }
  if (!args.kv_lengths.defined()) return;
  for (int64_t b = 0; b < desc.batch; ++b) read_kv_length(args.kv_lengths, b, desc.seq_kv);
}

}  // namespace

void check_served(AttentionDesc const& desc) {
  active_kernels();
  char const* const reason = refusal(desc);
  check(reason == nullptr, ErrorCode::kUnsupported, "attention on cpu does not serve ",
        reason ? reason : "");
}

void run_attention(JobContext& job, AttentionDesc const& desc, AttentionArgs const& args,
                   KernelTable const& kernels, SparseKeys const* sparse) {
  bool const no_lse = !args.lse.defined() || args.lse.elements() == 0;
  if (args.out.elements() == 0 && no_lse) {  // without a plan as large as nothing is wide
    if (sparse) check_lengths(desc, args);
    return;
  }
  PlannedAttention planned;
  plan_attention(planned, desc, args, kernels.bf16_dot, job.threads(), sparse);
  planned.plan.job = &job;
  planned.plan.stopped = [](void const* of) {
    return static_cast<JobContext const*>(of)->stopped();
  };
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
  double const merged_floats = static_cast<double>(planned.partial_floats);
  job.parallel_for(static_cast<int64_t>(planned.combine_tasks.size()), merged_floats / 4, combine);
}

Explanation explain_attention(AttentionDesc const& desc, AttentionExtras const& extras) {
  KernelTable const& kernels = active_kernels();
  Explanation e;
  if (char const* reason = refusal(desc)) {
    e.supported = false;
    e.reason = reason;
    return e;
  }
  int64_t const per_sequence = desc.packed && desc.batch > 0 ? desc.seq_q / desc.batch : desc.seq_q;
  int32_t group = 1;
  for (HeadGroup const& g : plan_heads(desc, {}).groups) group = std::max(group, g.count);
  e.kernel = group * per_sequence <= kDecodeRows ? "cpu/decode" : "cpu/prefill";
  e.path = kernels.path;
  e.half_products = multiplies_halves(desc, kernels);
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
  e.cost = attention_cost(desc, extras);
  return e;
}

Explanation explain_sparse(AttentionDesc const& desc) {
  KernelTable const& kernels = active_kernels();
  Explanation e;
  char const* const reason = refusal(desc);
  e.supported = reason == nullptr;
  if (reason != nullptr) e.reason = reason;
  if (reason != nullptr) return e;
  e.kernel = "cpu/prefill";
  e.path = kernels.path;
  e.half_products = multiplies_halves(desc, kernels);
  e.note = "reads the keys in question only, gathered for each run of queries";
  return e;
}

}  // namespace fattn::cpu
