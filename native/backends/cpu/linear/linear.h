#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/backend.h"

namespace fattn::cpu {

/// Which kernel would serve the call.
LinearExplanation explain_linear(LinearDesc const& desc, KernelTable const& kernels);

/// Runs a checked call with `kernels` on the threads of `job`.
void run_linear(JobContext& job, LinearDesc const& desc, LinearArgs const& args,
                KernelTable const& kernels);

}  // namespace fattn::cpu
