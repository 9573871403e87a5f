#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::cpu {

/// The rows that keep each key (attention-variants 5.2). `args` has passed check_key_intervals().
/// Throws ERR_INDEX, before anything is written, where a length is out of range.
void run_key_intervals(JobContext& context, KeyIntervalsDesc const& desc,
                       KeyIntervalsArgs const& args);

}  // namespace fattn::cpu
