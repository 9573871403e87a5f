#include "backends/cpu/cpu_backend.h"
#include "backends/cpu/kernel_table.h"
#include "core/backend.h"
#include "core/cuda_status.h"
#include "core/error.h"

namespace fattn {
namespace {

[[noreturn]] void throw_no_cuda(Device device) {
  CudaStatus const status = cuda_status();
  check(status.available, ErrorCode::kCudaUnavailable, name_of(device), " (", status.reason,
        "): ", status.message);
  throw Error(ErrorCode::kUnsupported, name_of(device) + ": CUDA kernels are not built yet");
}

}  // namespace

std::vector<Backend*> backends() { return {&cpu_backend()}; }

std::vector<std::string> compiled_paths() { return cpu::compiled_paths(); }

Backend& backend_of(Device device) {
  if (device == Device{}) return cpu_backend();
  if (device.kind == DeviceKind::cuda) throw_no_cuda(device);
  throw Error(ErrorCode::kDevice, "no backend for device " + name_of(device));
}

}  // namespace fattn
