#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/merge_attention.h"

namespace fattn::cpu {

/// Merges states over disjoint key sets (attention-variants 1.4). `args` has passed
/// check_merge_attention().
void run_merge_attention(JobContext& context, MergeArgs const& args);

}  // namespace fattn::cpu
