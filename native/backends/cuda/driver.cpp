#include "backends/cuda/driver.h"

#include <cuda_runtime_api.h>

#include "core/error.h"

namespace fattn::cuda {
namespace {

template <class Function>
void find(Function& function, char const* name, unsigned version) {
  function = reinterpret_cast<Function>(driver_function(name, version));
  check(function != nullptr, ErrorCode::kUnsupported, "The CUDA driver has no ", name,
        ": update the driver.");
}

Driver find_all() {
  Driver driver;
  find(driver.device_get, "cuDeviceGet", 2000);
  find(driver.retain_primary_context, "cuDevicePrimaryCtxRetain", 7000);
  find(driver.release_primary_context, "cuDevicePrimaryCtxRelease", 11000);
  find(driver.push_context, "cuCtxPushCurrent", 4000);
  find(driver.pop_context, "cuCtxPopCurrent", 4000);
  find(driver.write_value, "cuStreamWriteValue32", 11070);
  find(driver.wait_value, "cuStreamWaitValue32", 11070);
  return driver;
}

}  // namespace

void* driver_function(char const* name, unsigned version) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  cudaError_t const error =
      cudaGetDriverEntryPointByVersion(name, &function, version, cudaEnableDefault, &found);
  static_cast<void>(cudaGetLastError());
  return error == cudaSuccess && found == cudaDriverEntryPointSuccess ? function : nullptr;
}

Driver const& driver() {
  static Driver const found = find_all();
  return found;
}

}  // namespace fattn::cuda
