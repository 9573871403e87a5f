#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/attention.h"

namespace fattn::gpu {

/// Queues a checked call: the check of its index tensors, the kernel that the table names, and the
/// merge of its key ranges where there are several. Throws ERR_UNSUPPORTED where no kernel serves
/// it. Returns what the device will say about the index tensors; null where there are none.
std::shared_ptr<PendingReport> launch_attention(DeviceJob& job, AttentionDesc const& desc,
                                                AttentionArgs const& args);

}  // namespace fattn::gpu
