#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/ops/block_sparse.h"

namespace fattn::cpu {

/// Attention over listed blocks of keys, gathered. `args` has passed check_block_sparse() and
/// check_served(). Throws ERR_INDEX, before anything is written, where the lists are not well
/// formed.
void run_block_sparse(JobContext& job, AttentionDesc const& desc, BlockSparseDesc const& blocks,
                      BlockSparseArgs const& args, KernelTable const& kernels);

}  // namespace fattn::cpu
