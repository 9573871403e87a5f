// From a checked call to a plan: describes the operands, reads the index tensors, groups heads, has
// the work cut.
#pragma once

#include <memory>
#include <vector>

#include "backends/cpu/attention/plan.h"
#include "core/ops/attention.h"

namespace fattn::cpu {

/// A plan and everything it points to.
struct PlannedAttention {
  AttentionPlan plan;
  std::vector<AttentionTask> prefill_tasks, decode_tasks, combine_tasks;
  double prefill_ns = 0, decode_ns = 0;  // rough estimates, to decide how many threads to wake

  std::vector<Sequence> sequences;
  std::vector<StructuralMask> head_masks;
  std::vector<int32_t> q_heads, group_heads;
  std::vector<HeadGroup> groups;
  int32_t largest_group = 1;  // heads
  std::unique_ptr<float[]> partials;
  int64_t partial_floats = 0;
};

/// `bf16_dot`: the kernels have the bfloat16 dot product. Throws ERR_INDEX where an index tensor
/// holds a value outside its range. `threads` only decides how finely query rows are cut, which no
/// bit of a result depends on. With `sparse`, which must outlive the plan, keys are gathered.
void plan_attention(PlannedAttention& planned, AttentionDesc const& desc, AttentionArgs const& args,
                    bool bf16_dot, int threads, SparseKeys const* sparse = nullptr);

/// Starts of the token ranges of a packed batch, and the end of the last: from 0, nondecreasing, to
/// at most `total`; else throws ERR_INDEX. A copy: another stream may write the tensor meanwhile,
/// and what is used must be what was checked. For the same reason every other index is read exactly
/// once.
std::vector<int32_t> read_cu_seq_lens(char const* name, TensorView const& t, int64_t batch,
                                      int64_t total);

/// Keys in use of sequence `b`, of `most`.
int32_t read_kv_length(TensorView const& t, int64_t b, int64_t most);

}  // namespace fattn::cpu
