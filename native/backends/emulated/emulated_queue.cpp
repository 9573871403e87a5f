#include "backends/emulated/emulated_queue.h"

#include <utility>

namespace fattn::emulated {

EmulatedQueue::EmulatedQueue(std::function<void(EmulatedQueue&, std::function<void()>&)> execute)
    : execute_(std::move(execute)), thread_([this] { run(); }) {}

EmulatedQueue::~EmulatedQueue() {
  finish();
  thread_.join();
}

void EmulatedQueue::push(std::function<void()> task) {
  std::lock_guard const lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

void EmulatedQueue::finish() {
  std::lock_guard const lock(mutex_);
  finishing_ = true;
  changed_.notify_one();
}

bool EmulatedQueue::finished() {
  std::lock_guard const lock(mutex_);
  return finished_;
}

void EmulatedQueue::note_failure(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  if (failure_ == nullptr) failure_ = std::move(failure);
}

std::exception_ptr EmulatedQueue::take_failure() {
  std::lock_guard const lock(mutex_);
  return std::exchange(failure_, nullptr);
}

void EmulatedQueue::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return finishing_ || !tasks_.empty(); });
    if (tasks_.empty()) break;
    {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      execute_(*this, task);
    }  // what the task held is released without the lock
    lock.lock();
  }
  finished_ = true;
}

}  // namespace fattn::emulated
