#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/kernel_table.h"
#include "core/backend.h"
#include "core/cuda_status.h"
#include "core/error.h"
#include "core/gpu_devices.h"

namespace fattn {

std::vector<DeviceInfo> devices() {
  std::vector<DeviceInfo> all{cpu_backend().info()};
  for (DeviceInfo& gpu : gpu_devices()) all.push_back(std::move(gpu));
  return all;
}

std::vector<std::string> compiled_paths() { return cpu::compiled_paths(); }

Backend& backend_of(Device device) {
  if (device == Device{}) return cpu_backend();
  return gpu_backend(device);
}

void throw_no_gpu(Device device) {
  check(device.kind != DeviceKind::emulated, ErrorCode::kDevice, "this binary has no ",
        name_of(device));
  CudaStatus const status = cuda_status();
  check(status.available, ErrorCode::kCudaUnavailable, name_of(device), " (", status.reason,
        "): ", status.message);
  throw Error(ErrorCode::kDevice, "there is no " + name_of(device));
}

}  // namespace fattn
