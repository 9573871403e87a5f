#pragma once

#include <cuda.h>

#include <atomic>

#include "backends/cuda/status.h"

namespace fattn::cuda {

/// The primary context of a device, which all libraries of the process share: memory of one is
/// memory to the others.
class Context {
 public:
  /// Makes it where nobody has: some 100 ms. Leaves the calling thread's own as it was.
  explicit Context(int index);
  ~Context();
  Context(Context const&) = delete;
  Context& operator=(Context const&) = delete;

  int index() const { return index_; }

  /// Throws as cuda::require(), and remembers what is fatal.
  template <class... Parts>
  void require(cudaError_t status, Parts const&... doing) {
    note(status);
    cuda::require(status, doing...);
  }
  template <class... Parts>
  bool found_memory(cudaError_t status, Parts const&... doing) {
    note(status);
    return cuda::found_memory(status, doing...);
  }
  /// For what cannot tell anybody of a failure: the next call will.
  void note(cudaError_t status) {
    if (status != cudaSuccess) note_failure(status);
  }
  /// Makes the context current for `call`, which returns a status that is only noted. Does nothing
  /// on a lost device.
  template <class Call>
  void quietly(Call&& call) noexcept;

 private:
  friend class Current;
  void note_failure(cudaError_t status);
  void require_alive() const;

  int const index_;
  CUdevice device_ = 0;
  CUcontext handle_ = nullptr;
  std::atomic<cudaError_t> fatal_{cudaSuccess};
};

/// While it lives, the calls of this thread go to the context; then again to where they went.
///
/// Any thread may come, of Node, of a pool, of PyTorch, with any device current or none. A push and
/// a pop take some ten nanoseconds each and, unlike cudaSetDevice, cannot make a context on a
/// device that nobody asked for when they restore what was.
class Current {
 public:
  /// Throws ERR_DEVICE_LOST where the context is lost.
  explicit Current(Context& context);
  ~Current();
  Current(Current const&) = delete;
  Current& operator=(Current const&) = delete;
};

template <class Call>
void Context::quietly(Call&& call) noexcept try {
  Current const current(*this);
  cudaError_t const status = call();
  note(status);
  if (status != cudaSuccess) forget_error();
} catch (...) {
  // The device is lost, and with it what was to be given back.
}

}  // namespace fattn::cuda
