#pragma once

#include <atomic>

namespace fattn {

/// Raised once by whoever queued work, to say that its results are no longer wanted. Every job that
/// it revokes holds a share; jobs of any stream and device may hold the same one.
class AbortFlag {
 public:
  /// From any thread.
  void raise() { raised_.store(true, std::memory_order_relaxed); }
  /// Cheap; poll per tile. Nothing is published along with it.
  bool raised() const { return raised_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> raised_{false};
};

}  // namespace fattn
