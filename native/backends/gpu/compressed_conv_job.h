#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/backend.h"
#include "core/ops/compressed_conv.h"

namespace fattn::gpu {

/// Queues a checked call. Null where it has no index tensors; otherwise what the device will say
/// about them. Throws ERR_UNSUPPORTED for a head that shared memory does not hold, and for angles
/// beyond 2^54.
std::shared_ptr<PendingReport> launch_compressed_conv(DeviceJob& job,
                                                      CompressedConvDesc const& desc,
                                                      CompressedConvArgs const& args);

}  // namespace fattn::gpu
