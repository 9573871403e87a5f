#pragma once

#include <vector>

#include "backends/gpu/device_job.h"
#include "core/ops/rope.h"

namespace fattn::gpu {

/// Queues a checked call. Throws ERR_UNSUPPORTED where angles grow beyond 2^54.
void launch_rope(DeviceJob& job, RopeDesc const& desc, RopeArgs const& args);

/// Throws ERR_UNSUPPORTED where an angle may be beyond 2^54.
void check_angles(RopeDesc const& desc, std::vector<double> const& frequencies);

}  // namespace fattn::gpu
