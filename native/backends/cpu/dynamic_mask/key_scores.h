#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::cpu {

/// Scores of keys from their values (attention-variants 5.1). `args` has passed check_key_scores().
void run_key_scores(JobContext& context, KeyScoreForm form, KeyScoresArgs const& args);

}  // namespace fattn::cpu
