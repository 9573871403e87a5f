#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/rope.h"

namespace fattn::cpu {

/// Rotates pairs of the first elements of every row by position times frequency (attention-variants
/// 2.7) and copies the rest. `inverse` negates the angle and changes nothing else: a
/// de-interleaving rotation still de-interleaves. `args` has passed check_rope().
void run_rope(JobContext& context, RopeDesc const& desc, RopeArgs const& args);

}  // namespace fattn::cpu
