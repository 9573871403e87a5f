#include "backends/cpu/dynamic_mask/sparse_attention.h"

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/attention/plan.h"

namespace fattn::cpu {

void run_sparse_attention(JobContext& job, AttentionDesc const& desc,
                          SparseAttentionArgs const& args, KernelTable const& kernels) {
  TensorView const &rows = args.intervals, &scores = args.scores;
  int const axis = scores.rank() - 2;  // of the score heads, in both
  KeyIntervals intervals;
  intervals.rows = rows.data<int32_t>();
  intervals.end = rows.strides[axis + 1];
  intervals.head = rows.strides[axis];
  intervals.scores = scores.data<float>();
  intervals.scores_head = scores.strides[axis];
  intervals.scores_key = scores.strides[axis + 1];
  if (!desc.packed) {
    intervals.batch = rows.strides[0];
    intervals.scores_batch = scores.strides[0];
  }
  intervals.heads = scores.sizes[axis];
  run_attention(job, desc, args.dense, kernels, &intervals);
}

}  // namespace fattn::cpu
