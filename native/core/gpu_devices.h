#pragma once

#include <vector>

#include "core/backend.h"

namespace fattn {

// Defined once in a binary: by backends/cuda, by backends/emulated, or, where neither is compiled
// in, by core/no_gpu.cpp.

/// The GPUs that can be used. Opens none.
std::vector<DeviceInfo> gpu_devices();

/// The backend of a GPU, opened at the first call and never closed. Throws ERR_CUDA_UNAVAILABLE or
/// ERR_DEVICE with the reason.
Backend& gpu_backend(Device device);

/// For those who have no such device.
[[noreturn]] void throw_no_gpu(Device device);

}  // namespace fattn
