#include "backends/gpu/gpu_queue.h"

#include "backends/gpu/gpu_device.h"

namespace fattn::gpu {

GpuQueue::GpuQueue(GpuDevice& device) : device_(device), word_(device.words().take()) {
  try {
    handle_ = device_.runtime().create_queue();
    mark_ = device_.runtime().create_mark(false);
  } catch (...) {
    device_.words().give_back(word_);
    throw;
  }
}

GpuQueue::~GpuQueue() {
  device_.runtime().destroy_mark(mark_);
  device_.runtime().destroy_queue(handle_);
  // Where the device has not passed everything it will still write the word: it is not used again.
  if (has_passed(queued())) device_.words().give_back(word_);
}

void GpuQueue::advance(char const* job) {
  int64_t const position = next();
  if (job != nullptr) jobs_.push_back({position, job});
  queued_.store(position);
  device_.runtime().signal(word_, static_cast<uint32_t>(position), handle_);
}

int64_t GpuQueue::passed() const {
  // The word first: it is never ahead of what was queued by then.
  uint32_t const low = std::atomic_ref(*word_).load(std::memory_order_acquire);
  int64_t const queued = queued_.load();
  return queued - static_cast<int64_t>(static_cast<uint32_t>(queued) - low);
}

void GpuQueue::forget_passed_locked() {
  int64_t const done = passed();
  while (!jobs_.empty() && jobs_.front().position <= done) jobs_.pop_front();
}

int64_t GpuQueue::unfinished_jobs() {
  forget_passed_locked();
  return static_cast<int64_t>(jobs_.size());
}

char const* GpuQueue::first_unfinished() {
  auto const held = lock();
  forget_passed_locked();
  return jobs_.empty() ? nullptr : jobs_.front().name;
}

void GpuQueue::follow(GpuQueue const& other) {
  if (&other == this || other.has_passed(other.queued())) return;
  device_.runtime().record(mark_, other.handle());
  device_.runtime().wait(mark_, handle_);
}

}  // namespace fattn::gpu
