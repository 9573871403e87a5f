#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/gpu/background.h"
#include "backends/gpu/bulk_copies.h"
#include "backends/gpu/completions.h"
#include "backends/gpu/runtime.h"
#include "backends/gpu/staging.h"
#include "backends/gpu/words.h"
#include "core/error.h"

namespace fattn::gpu {

class GpuQueue;

/// Everything that the streams and storages of one device share. It outlives them.
class GpuDevice {
 public:
  explicit GpuDevice(std::unique_ptr<Runtime> runtime);
  ~GpuDevice();
  GpuDevice(GpuDevice const&) = delete;
  GpuDevice& operator=(GpuDevice const&) = delete;

  Device device() const { return runtime_->device(); }
  DeviceFacts const& facts() const { return runtime_->facts(); }
  Runtime& runtime() { return *runtime_; }
  Completions& completions() { return completions_; }
  Background& background() { return background_; }
  BulkCopies& bulk_copies() { return bulk_copies_; }
  Words& words() { return words_; }
  Staging& staging() { return staging_; }

  std::shared_ptr<GpuQueue> create_queue();
  /// A queue to wait in without holding up a stream. Comes back through give_back().
  Queue take_side_queue();
  void give_back(Queue side_queue);

  /// Memory that `queue` may use from now on. Throws ERR_OUT_OF_MEMORY with the sizes, after the
  /// pool has been trimmed.
  void* allocate(int64_t bytes, Queue queue);
  [[noreturn]] void throw_out_of_memory(int64_t bytes);

  /// Throws ERR_DEVICE_LOST where the device is.
  void require_alive() const;
  bool lost() const { return lost_flag_.load(); }
  /// The device has failed for good: tells everybody who waits, and throws the same at every later
  /// call. Returns what to throw: the operation that caused it, as far as can be known.
  std::exception_ptr lose(Error const& cause);
  /// Runs `call` and turns an ERR_DEVICE_LOST it throws into the device's own.
  template <class Call>
  decltype(auto) guarded(Call&& call) {
    require_alive();
    try {
      return call();
    } catch (Error const& error) {
      if (error.code() != ErrorCode::kDeviceLost) throw;
      std::rethrow_exception(lose(error));
    }
  }

 private:
  std::string suspects();

  std::unique_ptr<Runtime> runtime_;
  Words words_;
  Staging staging_;
  mutable std::mutex mutex_;
  std::atomic<bool> lost_flag_{false};
  std::exception_ptr lost_;
  std::vector<std::weak_ptr<GpuQueue>> queues_;
  std::vector<Queue> side_queues_;  // idle
  Background background_;
  BulkCopies bulk_copies_;
  Completions completions_;  // last: its thread uses the others
};

}  // namespace fattn::gpu
