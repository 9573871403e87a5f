#pragma once

#include "backends/gpu/device_job.h"
#include "core/ops/merge_attention.h"

namespace fattn::gpu {

/// Queues a checked call.
void launch_merge_attention(DeviceJob& job, MergeArgs const& args);

}  // namespace fattn::gpu
