#pragma once

#include <memory>
#include <vector>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/block_sparse.h"
#include "core/ops/dynamic_mask.h"

namespace fattn::gpu {

/// What the device will say about the index tensors and lists of a call; empty where it has none.
using PendingReports = std::vector<std::shared_ptr<PendingReport>>;

/// Queue a checked call. They throw ERR_UNSUPPORTED, with the reason, where no kernel serves it.
PendingReports launch_sparse_attention(DeviceJob& job, AttentionDesc const& desc,
                                       SparseAttentionArgs const& args);
PendingReports launch_block_sparse_attention(DeviceJob& job, AttentionDesc const& desc,
                                             BlockSparseDesc const& blocks,
                                             BlockSparseArgs const& args);

}  // namespace fattn::gpu
