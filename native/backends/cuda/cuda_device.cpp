#include "backends/cuda/cuda_device.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "backends/cuda/cuda_runtime.h"
#include "core/cuda_status.h"
#include "core/error.h"

namespace fattn::cuda {
namespace {

void require_listed(int index) {
  CudaStatus const status = cuda_status();
  std::string const name = name_of({DeviceKind::cuda, index});
  check(status.available, ErrorCode::kCudaUnavailable, name, " (", status.reason,
        "): ", status.message);
  auto const same = [&](DeviceInfo const& device) { return device.name == name; };
  if (std::any_of(status.devices.begin(), status.devices.end(), same)) return;

  int count = 0;
  require(cudaGetDeviceCount(&count), "counting devices");
  check(index >= 0 && index < count, ErrorCode::kDevice, "there is no ", name,
        ": this process sees ", count, count == 1 ? " CUDA device" : " CUDA devices");
  throw Error(ErrorCode::kUnsupported, name +
                                           " is too old for the kernels, or they were not built "
                                           "for it; cudaStatus() lists the devices that serve");
}

}  // namespace

std::unique_ptr<gpu::Runtime> open_runtime(int index) {
  require_listed(index);
  return std::make_unique<CudaRuntime>(index);
}

}  // namespace fattn::cuda
