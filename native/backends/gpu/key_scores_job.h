#pragma once

#include "backends/gpu/device_job.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::gpu {

/// Queues a checked call. Throws ERR_UNSUPPORTED for tokens of 2^30 elements or more.
void launch_key_scores(DeviceJob& job, KeyScoreForm form, KeyScoresArgs const& args);

}  // namespace fattn::gpu
