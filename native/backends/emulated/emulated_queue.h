#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace fattn::emulated {

/// A thread that does one thing after the other.
class EmulatedQueue {
 public:
  explicit EmulatedQueue(std::function<void(EmulatedQueue&, std::function<void()>&)> execute);
  /// Waits for the thread to have done everything.
  ~EmulatedQueue();

  void push(std::function<void()> task);
  /// No more will come: the thread ends after the last task.
  void finish();
  bool finished();

  void note_failure(std::exception_ptr failure);
  std::exception_ptr take_failure();

 private:
  void run();

  std::function<void(EmulatedQueue&, std::function<void()>&)> const execute_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::exception_ptr failure_;
  bool finishing_ = false, finished_ = false;
  std::thread thread_;
};

}  // namespace fattn::emulated
