#pragma once

#include "backends/gpu/device_job.h"
#include "core/ops/rms_norm.h"

namespace fattn::gpu {

/// Queues a checked call. Throws ERR_UNSUPPORTED for rows of 2^31 elements or more.
void launch_rms_norm(DeviceJob& job, float epsilon, RmsNormArgs const& args);

}  // namespace fattn::gpu
