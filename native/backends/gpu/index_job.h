#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/attention.h"
#include "kernels/attention/params.h"
#include "kernels/attention/prepare.h"

namespace fattn::gpu {

/// Queues the check of a call's index tensors and points `indices` at checked copies, which live as
/// long as the job. Null where the call has none; otherwise what the device will say about them.
/// `name`: of the operation; a literal.
std::shared_ptr<PendingReport> launch_prepare(DeviceJob& job, AttentionDesc const& desc,
                                              AttentionArgs const& args, Indices& indices,
                                              char const* name);

/// The same of one tensor of one axis; null where it has no elements. `seq`: PrepareParams::seq_kv.
std::shared_ptr<PendingReport> launch_index_check(DeviceJob& job, IndexTensor which,
                                                  TensorView const& view, int64_t seq,
                                                  int32_t const*& checked, char const* name);

}  // namespace fattn::gpu
