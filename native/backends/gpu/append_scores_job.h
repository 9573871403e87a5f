#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::gpu {

/// Queues a checked call. Null where the state has no lists; otherwise what the device will say
/// about them. Throws ERR_UNSUPPORTED for 2^30 scores and more at a time.
std::shared_ptr<PendingReport> launch_append_scores(DeviceJob& job, AppendScoresArgs const& args);

}  // namespace fattn::gpu
