#include "backends/gpu/gpu_stream.h"

#include <atomic>
#include <utility>

#include "backends/gpu/gpu_event.h"
#include "core/error.h"
#include "core/failure.h"

namespace fattn::gpu {

GpuStream::GpuStream(GpuDevice& device, StreamOptions const& options)
    : gpu_(device), queue_depth_(options.queue_depth), queue_(device.create_queue()) {
  check(queue_depth_ >= 1, ErrorCode::kArgumentValue, "queueDepth is ", queue_depth_,
        ", expected at least 1");
}

// Those who wait hold a share of the stream, so here nobody does.
GpuStream::~GpuStream() {
  for (Awaited const& awaited : awaited_)
    if (queue_->has_passed(awaited.position)) gpu_.words().give_back(awaited.word);
}

bool GpuStream::closed() const {
  std::lock_guard const lock(mutex_);
  return closed_;
}

void GpuStream::require_open() const {
  check(!closed(), ErrorCode::kStreamClosed, "the stream is closed");
}

void GpuStream::require_room() {
  // The first unfinished job is running, the others wait.
  check(queue_->unfinished_jobs() <= queue_depth_, ErrorCode::kQueueFull,
        "the stream's queue is full: ", queue_depth_, " jobs are waiting");
}

void GpuStream::note_failure(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  if (first_failure_ == nullptr) first_failure_ = std::move(failure);
}

void GpuStream::note_report(std::shared_ptr<PendingReport> report) {
  std::lock_guard const lock(mutex_);
  // What is known to be well need not be kept until somebody synchronizes.
  while (!reports_.empty() && reports_.front()->passed()) take_report_locked();
  reports_.push_back(std::move(report));
}

/// Work that was revoked elsewhere is no failure here: whoever did it knows.
void GpuStream::take_report_locked() {
  auto failure = reports_.front()->failure();
  reports_.pop_front();
  if (failure != nullptr && first_failure_ == nullptr && !is_abort(failure))
    first_failure_ = std::move(failure);
}

std::exception_ptr GpuStream::collect_failure() {
  auto found = gpu_.runtime().take_failure(queue_->handle());
  if (found != nullptr) note_failure(found);
  return found;
}

std::exception_ptr GpuStream::take_failure(int64_t position) {
  collect_failure();
  std::lock_guard const lock(mutex_);
  while (!reports_.empty() && reports_.front()->position() <= position) take_report_locked();
  return std::exchange(first_failure_, nullptr);
}

void GpuStream::synchronize(Completion done) {
  require_open();
  gpu_.require_alive();
  int64_t const position = queue_->queued();
  if (queue_->has_passed(position)) return done(take_failure(position));
  gpu_.guarded([&] {
    auto self = std::static_pointer_cast<GpuStream>(shared_from_this());
    auto told = [self, position, done = std::move(done)](std::exception_ptr failure) {
      done(failure != nullptr ? failure : self->take_failure(position));
    };
    gpu_.completions().when_done(queue_->handle(), this, "synchronize", std::move(told));
  });
}

std::shared_ptr<Event> GpuStream::record() {
  require_open();
  return gpu_.guarded([&] {
    auto const held = queue_->lock();
    return std::make_shared<GpuEvent>(queue_);
  });
}

void GpuStream::wait(std::shared_ptr<Event> event) {
  require_open();
  gpu_.guarded([&] {
    auto const* const ours = dynamic_cast<GpuEvent const*>(event.get());
    if (ours == nullptr || &ours->queue().device() != &gpu_) return wait_for_other(*event);
    if (ours->reached()) return;
    auto const held = queue_->lock();
    gpu_.runtime().wait(ours->mark(), queue_->handle());
  });
}

/// An event of another device or of the CPU: the queue waits for a word that the event's callback
/// writes.
void GpuStream::wait_for_other(Event& event) {
  uint32_t* word;
  {
    auto const held = queue_->lock();
    while (!awaited_.empty() && queue_->has_passed(awaited_.front().position)) {
      gpu_.words().give_back(awaited_.front().word);
      awaited_.pop_front();
    }
    word = gpu_.words().take();
    awaited_.push_back({word, queue_->next()});
    gpu_.runtime().wait_signal(word, 1, queue_->handle());
    queue_->advance(nullptr);
  }
  // An event whose stream was closed lets this one go on: the storages that were not written carry
  // the failure to whoever reads them.
  event.when_reached(
      [word](std::exception_ptr) { std::atomic_ref(*word).store(1, std::memory_order_release); });
}

void GpuStream::close() {
  {
    std::lock_guard const lock(mutex_);
    closed_ = true;
  }
  gpu_.completions().cancel(this);
}

}  // namespace fattn::gpu
