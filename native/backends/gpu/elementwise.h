#pragma once

#include <cstdint>

#include "backends/gpu/device_job.h"
#include "core/tensor_view.h"

namespace fattn::gpu {

/// Blocks for `items`, `per_block` to the block. Throws ERR_UNSUPPORTED beyond what a launch takes.
Grid grid_for(char const* operation, int64_t items, int64_t per_block);

void launch_fill(DeviceJob& job, TensorView const& target, double value);
void launch_randn(DeviceJob& job, TensorView const& target, uint64_t seed);
/// The views have the same sizes and do not overlap.
void launch_copy(DeviceJob& job, TensorView const& source, TensorView const& target);
/// Elements at `rows`, row-major and of dtype `from`, into `target`; and the other way round.
void launch_unpack(DeviceJob& job, void const* rows, DType from, TensorView const& target);
void launch_pack(DeviceJob& job, TensorView const& source, void* rows, DType to);

}  // namespace fattn::gpu
