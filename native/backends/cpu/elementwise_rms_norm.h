#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/rms_norm.h"

namespace fattn::cpu {

/// Divides every row by its root mean square. `args` has passed check_rms_norm().
void run_rms_norm(JobContext& context, float epsilon, RmsNormArgs const& args);

}  // namespace fattn::cpu
