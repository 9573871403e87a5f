#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace fattn::gpu {

/// A thread for what may wait for the whole device, such as unpinning memory. Nobody waits for it:
/// the device may be waiting for somebody who would.
class Background {
 public:
  ~Background() { stop(); }
  /// Runs `task` on the thread, which the first one starts. Tasks throw nothing.
  void post(std::function<void()> task);
  /// Does what is left, and ends the thread.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fattn::gpu
