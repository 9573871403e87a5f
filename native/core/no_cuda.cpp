#include "core/cuda_status.h"

namespace fattn {

CudaStatus cuda_status() {
  CudaStatus status;
  status.reason = "not-built";
  status.message =
      "This binary was built without CUDA. Build the package from source on a machine with the "
      "CUDA "
      "toolkit (nvcc on the PATH), or use device 'cpu'.";
  return status;
}

}  // namespace fattn
