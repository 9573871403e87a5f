#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::cpu {

/// Attention over gathered keys, with the kernels of the dense one. `args` has passed
/// check_sparse_attention() and check_served().
void run_sparse_attention(JobContext& job, AttentionDesc const& desc,
                          SparseAttentionArgs const& args, KernelTable const& kernels);

}  // namespace fattn::cpu
