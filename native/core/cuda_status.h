#pragma once

#include <string>
#include <vector>

#include "core/backend.h"

namespace fattn {

/// Whether CUDA can be used in this process, and if not, why. Never throws; nothing CUDA happens
/// before the first call.
struct CudaStatus {
  bool available = false;
  std::string
      reason;  // 'not-built', 'no-driver', 'driver-too-old', 'no-device', 'unsupported-device'
  std::string message;  // a sentence that says what to do
  int driver_version = 0;
  int runtime_version = 0;
  std::vector<DeviceInfo> devices;
};

/// Defined by `backends/cuda/device_facts.cpp` where CUDA is compiled in, else by
/// `core/no_cuda.cpp`.
CudaStatus cuda_status();

}  // namespace fattn
