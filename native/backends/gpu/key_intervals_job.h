#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::gpu {

/// Queues a checked call. Null where it has no index tensors; otherwise what the device will say
/// about them.
std::shared_ptr<PendingReport> launch_key_intervals(DeviceJob& job, KeyIntervalsDesc const& desc,
                                                    KeyIntervalsArgs const& args);

}  // namespace fattn::gpu
