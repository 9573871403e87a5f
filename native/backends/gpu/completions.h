#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "backends/gpu/runtime.h"
#include "core/backend.h"
#include "core/error.h"

namespace fattn::gpu {

/// Tells callers that the device has reached a point. One thread per device does the telling: the
/// host callbacks of a queue may do next to nothing, and what they start must not hold up the
/// device.
///
/// Each entry is told exactly once: when the point is reached, when its owner cancels it, or when
/// the device is lost.
class Completions {
 public:
  /// `on_loss(error)` is called, on the thread of the Completions, with the ERR_DEVICE_LOST of a
  /// device that failed while somebody waited for it; it comes to lose().
  Completions(Runtime& runtime, std::function<void(Error const&)> on_loss);
  ~Completions() { stop(); }

  /// Calls done(null) from the thread once what has been queued in `queue` is done. `owner` is what
  /// cancel() goes by; `operation` names what is waited for.
  void when_done(Queue queue, void const* owner, char const* operation, Completion done);
  /// Tells the entries of `owner` ERR_STREAM_CLOSED, and returns when none of them is being told.
  void cancel(void const* owner);
  /// Tells all entries `failure`, and later ones at once.
  void lose(std::exception_ptr failure);
  /// Tells everybody who is still to be told, and ends the thread.
  void stop();

 private:
  struct Entry {
    void const* owner;
    char const* operation;
    Completion done;
  };
  struct Arrival {  // what a host callback carries
    Completions* to;
    uint64_t id;
  };

  static void arrive(void* arrival);
  void run();
  void tell(uint64_t id, std::unique_lock<std::mutex>& lock);
  void probe(std::unique_lock<std::mutex>& lock);

  Runtime& runtime_;
  std::function<void(Error const&)> on_loss_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Entry> waiting_;
  std::deque<uint64_t> arrived_;
  uint64_t next_id_ = 0;
  std::map<uint64_t, Arrival> arrivals_;  // of host callbacks that are still to come
  void const* telling_ = nullptr;         // owner of the entry being told
  std::exception_ptr lost_;
  bool stop_ = false;
  std::thread thread_;  // started by the first entry
};

}  // namespace fattn::gpu
