#pragma once

#include "backends/gpu/device_job.h"
#include "backends/gpu/kernel_row.h"
#include "core/backend.h"

namespace fattn::gpu {

/// Which kernel serves a call; null: none. A pure function of the table and of what is asked here.
/// `quads`: what the tensor-core path asks of rows is so.
KernelRow const* choose_linear(LinearDesc const& desc, bool quads, DeviceFacts const& facts);

/// Which kernel would serve the call, if rows lie as tensor cores take them where their widths
/// allow it.
LinearExplanation explain_linear(LinearDesc const& desc, Device device, DeviceFacts const& facts);

/// Queues a checked call. Throws ERR_UNSUPPORTED where no kernel serves it.
void launch_linear(DeviceJob& job, LinearDesc const& desc, LinearArgs const& args);

}  // namespace fattn::gpu
