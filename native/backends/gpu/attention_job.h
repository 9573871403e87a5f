#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/attention.h"
#include "kernels/attention/params.h"

namespace fattn::gpu {

/// Queues a checked call: the check of its index tensors, the kernel that the table names, and the
/// merge of its key ranges where there are several. Throws ERR_UNSUPPORTED where no kernel serves
/// it. Returns what the device will say about the index tensors; null where there are none.
std::shared_ptr<PendingReport> launch_attention(DeviceJob& job, AttentionDesc const& desc,
                                                AttentionArgs const& args);

/// What kernels are told of the tensors and numbers of a call; not how it is cut.
AttentionParams attention_params(AttentionDesc const& desc, AttentionArgs const& args);

/// Whether every row of q, k, v and out starts at a multiple of 16 bytes.
bool rows_aligned(AttentionArgs const& args);

}  // namespace fattn::gpu
