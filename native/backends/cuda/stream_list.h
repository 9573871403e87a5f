#pragma once

#include <cuda_runtime_api.h>

#include <mutex>
#include <vector>

#include "backends/cuda/context.h"

namespace fattn::cuda {

/// The streams of a device that are ours, so that we can look after them, and wait for them,
/// without a word about the streams of others. The context is current in every call.
class StreamList {
 public:
  explicit StreamList(Context& context);
  ~StreamList();
  StreamList(StreamList const&) = delete;
  StreamList& operator=(StreamList const&) = delete;

  cudaStream_t create();
  /// What has been queued is still done, and finish() waits for it.
  void destroy(cudaStream_t stream) noexcept;
  /// Asks about all of them. Throws what has become of the device.
  void query();
  /// Until everything is done that was ever queued; at once on a lost device.
  void finish() noexcept;

 private:
  Context& context_;
  std::mutex mutex_;
  std::vector<cudaStream_t> streams_;
  cudaStream_t last_ = nullptr;  // follows all that were destroyed
  cudaEvent_t end_ = nullptr;    // of the one being destroyed
};

}  // namespace fattn::cuda
