#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::cpu {

/// Tells a state the scores of its next tokens. `args` has passed check_append_scores().
void run_append_scores(JobContext& context, AppendScoresArgs const& args);

}  // namespace fattn::cpu
