#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/backend.h"
#include "core/ops/attention.h"

namespace fattn::cpu {

struct SparseKeys;

/// Throws ERR_UNSUPPORTED where no kernel serves the call, or none can be chosen on this machine.
void check_served(AttentionDesc const& desc);

/// Plans the call, then runs its tasks with `kernels` on the threads of `job`. Throws ERR_INDEX,
/// before anything is written, where an index tensor holds a value outside its range. With
/// `sparse` over gathered keys.
void run_attention(JobContext& job, AttentionDesc const& desc, AttentionArgs const& args,
                   KernelTable const& kernels, SparseKeys const* sparse = nullptr);

/// Which kernel and path would serve a call over gathered keys, whichever they are.
Explanation explain_sparse(AttentionDesc const& desc);

/// Which kernel and path would serve the call.
Explanation explain_attention(AttentionDesc const& desc, AttentionExtras const& extras);

}  // namespace fattn::cpu
