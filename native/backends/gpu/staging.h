#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/gpu/runtime.h"

namespace fattn::gpu {

class GpuQueue;

/// A block of pinned memory on its way between host and device.
struct StagingBlock {
  void* data = nullptr;
  int64_t bytes = 0;
};

/// Pinned blocks, recycled once the device has passed their last use. Pinning is slow and takes
/// memory from everybody else, so that some is kept, and not much.
class Staging {
 public:
  explicit Staging(Runtime& runtime) : runtime_(runtime) {}
  ~Staging();
  Staging(Staging const&) = delete;
  Staging& operator=(Staging const&) = delete;

  /// At least `bytes`. Throws ERR_OUT_OF_MEMORY.
  StagingBlock take(int64_t bytes);
  /// The device uses it up to `position` of `queue`.
  void give_back_after(StagingBlock block, std::shared_ptr<GpuQueue> queue, int64_t position);
  /// Nobody uses it any more. True where there is more than is worth keeping: call trim(), where
  /// it may take its time.
  bool give_back(StagingBlock block);
  /// Unpins what lies above the limit.
  void trim();

  /// Lets go of the queues of blocks in use; for the end of the device.
  void forget();

  int64_t kept_bytes() const;  // in blocks that nobody uses
  int64_t held_bytes() const;  // in all blocks

 private:
  struct Busy {
    StagingBlock block;
    std::shared_ptr<GpuQueue> queue;
    int64_t position;
  };
  void collect_locked(std::vector<std::shared_ptr<GpuQueue>>& released);

  Runtime& runtime_;
  mutable std::mutex mutex_;
  std::multimap<int64_t, void*> free_;  // by size
  std::vector<Busy> busy_;
  int64_t kept_ = 0, held_ = 0;
};

}  // namespace fattn::gpu
