#pragma once

#include <memory>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/ops/attention.h"
#include "kernels/attention/params.h"

namespace fattn::gpu {

/// Queues the check of a call's index tensors and points `indices` at checked copies, which live as
/// long as the job. Null where the call has none; otherwise what the device will say about them, in
/// the name of `operation`.
std::shared_ptr<PendingReport> launch_prepare(DeviceJob& job, AttentionDesc const& desc,
                                              AttentionArgs const& args, Indices& indices,
                                              char const* operation = "attention");

}  // namespace fattn::gpu
