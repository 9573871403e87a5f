#pragma once

#include "backends/gpu/queue_job.h"
#include "core/backend.h"

namespace fattn::gpu {

/// Row-major elements of `source` as `as` into host memory that outlives `done`.
void read_tensor(GpuStream& stream, TensorView const& source, DType as, void* host,
                 Completion done);

/// Queues a copy from the CPU. The data are read where the CPU's own work leaves them, so that
/// neither the caller nor the thread of JavaScript waits; little of it is taken at once.
void copy_from_cpu(GpuDevice& gpu, Submission const& to, TensorView const& source,
                   TensorView const& target);

/// Queues a copy to the CPU, whose end is work of a CPU stream: the target's last writer.
void copy_to_cpu(GpuDevice& gpu, Submission const& to, TensorView const& source,
                 TensorView const& target);

}  // namespace fattn::gpu
