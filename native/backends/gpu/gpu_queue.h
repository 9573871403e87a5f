#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "backends/gpu/runtime.h"

namespace fattn::gpu {

class GpuDevice;

/// A queue of the device, and how far it is. Whatever is queued gets a position, 1, 2, …, and the
/// device writes the position it has passed to a word of pinned memory: nobody has to ask it. It
/// outlives its stream for as long as a storage remembers having been used in it.
class GpuQueue {
 public:
  explicit GpuQueue(GpuDevice& device);
  ~GpuQueue();
  GpuQueue(GpuQueue const&) = delete;
  GpuQueue& operator=(GpuQueue const&) = delete;

  GpuDevice& device() const { return device_; }
  Queue handle() const { return handle_; }

  /// Held while something is queued, which may take several calls of the runtime.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// Position of what is being queued; belongs to the holder of the lock.
  int64_t next() const { return queued_.load(std::memory_order_relaxed) + 1; }
  /// Ends what was queued at next(). `job` names the operation where it was a job, else null.
  /// Requires the lock.
  void advance(char const* job);
  /// Jobs that have been queued and not passed, after dropping those that have. Requires the lock.
  int64_t unfinished_jobs();
  /// Later work waits for what is queued in `other` now. Requires the lock of this queue.
  void follow(GpuQueue const& other);

  int64_t queued() const { return queued_.load(); }
  int64_t passed() const;
  bool has_passed(int64_t position) const { return passed() >= position; }
  /// Name of the first job that has not been passed, or null.
  char const* first_unfinished();

 private:
  struct Job {
    int64_t position;
    char const* name;
  };
  void forget_passed_locked();

  GpuDevice& device_;
  uint32_t* word_;  // low half of the position passed; written by the device
  Queue handle_;
  Mark mark_;  // for follow(): the wait remembers where it was recorded
  std::mutex mutex_;
  std::atomic<int64_t> queued_{0};
  std::deque<Job> jobs_;  // unfinished, or not yet known to be finished
};

}  // namespace fattn::gpu
