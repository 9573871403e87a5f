#include "backends/gpu/gpu_event.h"

#include <utility>

#include "backends/gpu/gpu_device.h"

namespace fattn::gpu {

GpuEvent::GpuEvent(std::shared_ptr<GpuQueue> queue)
    : queue_(std::move(queue)), mark_(queue_->device().runtime().create_mark(true)) {
  try {
    queue_->device().runtime().record(mark_, queue_->handle());
    position_ = queue_->next();
    queue_->advance(nullptr);
  } catch (...) {
    queue_->device().runtime().destroy_mark(mark_);
    throw;
  }
}

GpuEvent::~GpuEvent() { queue_->device().runtime().destroy_mark(mark_); }

/// Waits in a queue of its own: in the event's queue it would wait for what came later, too, and in
/// one that others share for their events.
void GpuEvent::when_reached(Completion done) {
  GpuDevice& device = queue_->device();
  if (reached()) return done(nullptr);
  // Those who wait may be threads of another device, which have nobody to throw to.
  auto const shared = std::make_shared<Completion>(std::move(done));
  try {
    device.guarded([&] {
      Queue const side = device.take_side_queue();
      device.runtime().wait(mark_, side);
      auto told = [&device, side, shared, reached = told_](std::exception_ptr failure) {
        device.give_back(side);
        if (failure == nullptr) reached->store(true);
        (*shared)(std::move(failure));
      };
      device.completions().when_done(side, nullptr, "event", std::move(told));
    });
  } catch (...) {
    (*shared)(std::current_exception());
  }
}

void GpuEvent::require_reached() const {
  check(reached(), ErrorCode::kInternal, "elapsed time: an event has not been reached");
}

int64_t GpuEvent::nanoseconds_since(Event const& start) const {
  auto const* const other = dynamic_cast<GpuEvent const*>(&start);
  GpuDevice& device = queue_->device();
  check(other != nullptr && &other->queue_->device() == &device, ErrorCode::kDevice,
        "elapsed time: the events are of different devices");
  return device.guarded([&] {
    require_reached();
    other->require_reached();
    return device.runtime().nanoseconds_between(other->mark_, mark_);
  });
}

}  // namespace fattn::gpu
