#pragma once

#include <atomic>
#include <memory>

#include "backends/gpu/gpu_queue.h"
#include "core/backend.h"

namespace fattn::gpu {

/// A point in a queue, stamped by the device that passes it. It is reached even where its stream is
/// closed first: what was queued on a device is done.
class GpuEvent final : public Event {
 public:
  /// Requires the queue's lock.
  explicit GpuEvent(std::shared_ptr<GpuQueue> queue);
  ~GpuEvent() override;

  void when_reached(Completion done) override;
  int64_t nanoseconds_since(Event const& start) const override;

  bool reached() const { return told_->load() || queue_->has_passed(position_); }
  GpuQueue const& queue() const { return *queue_; }
  Mark mark() const { return mark_; }

 private:
  void require_reached() const;

  std::shared_ptr<GpuQueue> queue_;
  Mark mark_;
  int64_t position_;
  // The queue says that it has passed the stamp a moment after whoever waited for it was told.
  std::shared_ptr<std::atomic<bool>> const told_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace fattn::gpu
