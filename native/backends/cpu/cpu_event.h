#pragma once

#include <chrono>
#include <mutex>
#include <vector>

#include "core/backend.h"

namespace fattn::cpu {

/// A point in a CPU stream's order, stamped by the thread that passes it.
class CpuEvent final : public Event {
 public:
  void when_reached(Completion done) override;
  /// Throws ERR_STREAM_CLOSED where a stream was closed before the event.
  int64_t nanoseconds_since(Event const& start) const override;

  bool settled() const;
  void reach() { settle(nullptr); }
  /// The point will not be passed: its stream was closed.
  void abandon(std::exception_ptr failure) { settle(std::move(failure)); }

 private:
  void settle(std::exception_ptr failure);
  std::chrono::steady_clock::time_point passed_at() const;

  mutable std::mutex mutex_;
  bool settled_ = false;
  std::exception_ptr failure_;
  std::chrono::steady_clock::time_point time_;
  std::vector<Completion> waiting_;
};

}  // namespace fattn::cpu
