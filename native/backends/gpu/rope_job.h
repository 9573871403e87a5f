#pragma once

#include <vector>

#include "backends/gpu/device_job.h"
#include "core/ops/rope.h"
#include "kernels/elementwise/rope_frequencies.h"

namespace fattn::gpu {

/// Queues a checked call. Throws ERR_UNSUPPORTED where angles grow beyond 2^54.
void launch_rope(DeviceJob& job, RopeDesc const& desc, RopeArgs const& args);

/// Whether frequencies follow from the largest position, which nobody has said.
bool asks_for_length(RopeDesc const& desc);

/// Such frequencies, [pairs], which the device finds. `params` says where tokens stand, which are
/// in use, and how many pairs turn.
double const* frequencies_by_length(DeviceJob& job, RopeDesc const& desc, int64_t head_dim,
                                    RopeFrequenciesParams params);

/// Throws ERR_UNSUPPORTED where an angle may be beyond 2^54.
void check_angles(RopeDesc const& desc, std::vector<double> const& frequencies);

}  // namespace fattn::gpu
