// The devices 'cuda:N': opened when they are first used, and kept while the process lives.

#include <map>
#include <mutex>

#include "backends/cuda/cuda_device.h"
#include "backends/gpu/gpu_backend.h"
#include "core/cuda_status.h"
#include "core/gpu_devices.h"

namespace fattn {
namespace {

class OpenDevices {
 public:
  Backend& at(Device device) {
    std::lock_guard const lock(mutex_);
    auto const found = open_.find(device.index);
    if (found != open_.end()) return *found->second;
    require(device);
    // Never destroyed: jobs may run when the process ends.
    auto* const backend = new gpu::GpuBackend(cuda::open_runtime(device.index));
    return *open_.emplace(device.index, backend).first->second;
  }

 private:
  static void require(Device device) {
    CudaStatus const status = cuda_status();
    for (DeviceInfo const& info : status.devices)
      if (status.available && info.name == name_of(device)) return;
    throw_no_gpu(device);
  }

  std::mutex mutex_;
  std::map<int, gpu::GpuBackend*> open_;
};

}  // namespace

std::vector<DeviceInfo> gpu_devices() { return cuda_status().devices; }

Backend& gpu_backend(Device device) {
  static auto& open = *new OpenDevices;
  if (device.kind != DeviceKind::cuda) throw_no_gpu(device);
  return open.at(device);
}

}  // namespace fattn
