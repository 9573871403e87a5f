#pragma once

#include <atomic>

#include "core/abort_flag.h"

namespace fattn::cpu {

/// What ends a running job early: its stream closes, or its caller aborts it. Outlived by both.
class StopFlags {
 public:
  /// `abort` is null for a job that only its stream can stop.
  StopFlags(std::atomic<bool> const& closing, AbortFlag const* abort)
      : closing_(closing), abort_(abort) {}

  /// Cheap; poll per tile.
  bool raised() const { return closing_.load(std::memory_order_relaxed) || aborted(); }

 private:
  bool aborted() const { return abort_ != nullptr && abort_->raised(); }

  std::atomic<bool> const& closing_;
  AbortFlag const* abort_;
};

}  // namespace fattn::cpu
