#include "backends/cuda/context.h"

#include "backends/cuda/driver.h"
#include "core/error.h"

namespace fattn::cuda {

Context::Context(int index) : index_(index) {
  cuda::require(status_of(driver().device_get(&device_, index)), "opening cuda:", index);
  cuda::require(status_of(driver().retain_primary_context(&handle_, device_)),
                "opening cuda:", index);
}

Context::~Context() { driver().release_primary_context(device_); }

void Context::note_failure(cudaError_t status) {
  if (!is_fatal(status)) return;
  cudaError_t none = cudaSuccess;
  fatal_.compare_exchange_strong(none, status);
}

void Context::require_alive() const {
  cudaError_t const fatal = fatal_.load();
  check(fatal == cudaSuccess, ErrorCode::kDeviceLost, text_of(fatal));
}

Current::Current(Context& context) {
  context.require_alive();
  context.require(status_of(driver().push_context(context.handle_)),
                  "entering cuda:", context.index());
}

Current::~Current() {
  CUcontext popped;
  driver().pop_context(&popped);
}

}  // namespace fattn::cuda
