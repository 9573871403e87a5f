#pragma once

#include <memory>

#include "backends/gpu/runtime.h"

namespace fattn::cuda {

/// Device `index` of those the driver shows this process; nothing happens on it before this call.
/// Throws with the reason: ERR_CUDA_UNAVAILABLE where CUDA is, ERR_DEVICE where there is no such
/// device, ERR_UNSUPPORTED where it lacks what the kernels need.
std::unique_ptr<gpu::Runtime> open_runtime(int index);

}  // namespace fattn::cuda
