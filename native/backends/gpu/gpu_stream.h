#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/gpu_queue.h"
#include "backends/gpu/reports.h"
#include "core/backend.h"

namespace fattn::gpu {

/// A queue of the device with the manners of a Stream. What is queued is with the device at once
/// and cannot be taken back: close() refuses further work and tells those who wait; the rest is
/// done, and memory lives until it is.
class GpuStream final : public Stream {
 public:
  GpuStream(GpuDevice& device, StreamOptions const& options);
  ~GpuStream() override;

  Device device() const override { return gpu_.device(); }
  void synchronize(Completion done) override;
  std::shared_ptr<Event> record() override;
  void wait(std::shared_ptr<Event> event) override;
  void close() override;
  bool closed() const override;

  GpuDevice& gpu() const { return gpu_; }
  std::shared_ptr<GpuQueue> const& queue() const { return queue_; }

  /// Throws ERR_STREAM_CLOSED.
  void require_open() const;
  /// Throws ERR_QUEUE_FULL. Requires the queue's lock.
  void require_room();
  /// A failure that somebody will be told of at the next synchronize().
  void note_failure(std::exception_ptr failure);
  /// A report that the next synchronize() is to look at.
  void note_report(std::shared_ptr<PendingReport> report);
  /// What the runtime has found since somebody asked, noted and returned.
  std::exception_ptr collect_failure();
  /// The first failure of work up to `position`, and forgets it.
  std::exception_ptr take_failure(int64_t position);

 private:
  void wait_for_other(Event& event);
  void take_report_locked();

  GpuDevice& gpu_;
  int64_t const queue_depth_;
  std::shared_ptr<GpuQueue> const queue_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::exception_ptr first_failure_;                    // since the last synchronize()
  std::deque<std::shared_ptr<PendingReport>> reports_;  // in order of position
  struct Awaited {
    uint32_t* word;
    int64_t position;
  };
  std::deque<Awaited> awaited_;  // words of events of other devices; guarded by the queue's lock
};

}  // namespace fattn::gpu
