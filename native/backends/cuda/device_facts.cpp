// What this process can learn about CUDA without owning a context. The runtime is linked statically
// and looks for the driver at its first call, so nothing here runs before somebody asks.

#include <cuda_runtime_api.h>

#include <optional>
#include <string>

#include "backends/cuda/architectures.h"
#include "backends/cuda/status.h"
#include "core/cuda_status.h"

namespace fattn {
namespace {

/// 13020 -> '13.2', the way CUDA encodes its versions.
std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// The first driver branch of each generation this package can be built with (toolkit release
/// notes).
std::string driver_needed(int runtime_version) {
  int const major = runtime_version / 1000;
  if (major == 13) return "R580 or later";
  if (major == 12) return "R525 or later";
  return "one made for CUDA " + version_text(runtime_version);
}

CudaStatus unavailable(CudaStatus status, std::string reason, std::string message) {
  status.available = false;
  status.reason = std::move(reason);
  status.message = std::move(message);
  return status;
}

/// The answer where the driver refused to count devices.
CudaStatus without_devices(CudaStatus status, cudaError_t error) {
  std::string const needed = "CUDA " + version_text(status.runtime_version) +
                             ", which this package was built with, needs a driver of branch " +
                             driver_needed(status.runtime_version);
  switch (error) {
    case cudaErrorInsufficientDriver:  // also what a missing driver answers: the version tells
    case cudaErrorStubLibrary:
      if (status.driver_version == 0) {
        return unavailable(std::move(status), "no-driver",
                           "No NVIDIA driver was found. Install one to use a GPU (" + needed +
                               "), or use device 'cpu'.");
      }
      {
        std::string const found = version_text(status.driver_version);
        return unavailable(
            std::move(status), "driver-too-old",
            "The NVIDIA driver supports CUDA up to " + found + " only. Update it: " + needed + ".");
      }
    case cudaErrorNoDevice:
      return unavailable(
          std::move(status), "no-device",
          "The NVIDIA driver sees no device. Check that a GPU is passed to this machine "
          "or container, and that CUDA_VISIBLE_DEVICES does not hide it.");
    default:
      return unavailable(std::move(status), "no-device",
                         std::string("The NVIDIA driver reports no usable device: ") +
                             cudaGetErrorString(error) + " (" + cudaGetErrorName(error) +
                             "). Check `nvidia-smi` on this machine.");
  }
}

CudaStatus unsupported(CudaStatus status, std::string const& devices) {
  return unavailable(std::move(status), "unsupported-device",
                     "Found " + devices + "; the kernels need sm_" +
                         std::to_string(cuda::kLeastCapability) + " or later and were built for " +
                         FATTN_CUDA_ARCHITECTURES + ". Use device 'cpu'.");
}

int capability_of(cudaDeviceProp const& properties) {
  return properties.major * 10 + properties.minor;
}

/// 'NVIDIA H100 80GB HBM3 (sm_90)'
std::string described(cudaDeviceProp const& properties) {
  return std::string(properties.name) + " (sm_" + std::to_string(capability_of(properties)) + ")";
}

/// Nothing for a device that the kernels do not run on.
std::optional<DeviceInfo> info_of(int index, cudaDeviceProp const& properties) {
  auto images = cuda::images_for(capability_of(properties), FATTN_CUDA_ARCHITECTURES);
  if (capability_of(properties) < cuda::kLeastCapability || images.empty()) return std::nullopt;
  DeviceInfo info;
  info.name = name_of({DeviceKind::cuda, index});
  info.model = properties.name;
  info.path = images.front();
  info.paths = std::move(images);
  info.memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  return info;
}

}  // namespace

CudaStatus cuda_status() {
  CudaStatus status;
  cudaRuntimeGetVersion(&status.runtime_version);
  if (cudaDriverGetVersion(&status.driver_version) != cudaSuccess) status.driver_version = 0;

  int count = 0;
  if (cudaError_t const error = cudaGetDeviceCount(&count); error != cudaSuccess) {
    cuda::forget_error();
    return without_devices(std::move(status), error);
  }
  if (count == 0) return without_devices(std::move(status), cudaErrorNoDevice);

  std::string others;
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (cudaError_t const error = cudaGetDeviceProperties(&properties, index);
        error != cudaSuccess) {
      cuda::forget_error();
      return without_devices(std::move(status), error);
    }
    if (auto info = info_of(index, properties)) {
      status.devices.push_back(std::move(*info));
    } else {
      others += (others.empty() ? "" : ", ") + described(properties);
    }
  }
  if (status.devices.empty()) return unsupported(std::move(status), others);
  status.available = true;
  return status;
}

}  // namespace fattn
