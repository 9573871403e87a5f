#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/function_ref.h"

namespace fattn::cpu {

/// One thread of the pool as a task sees it.
class Worker {
 public:
  virtual ~Worker() = default;
  /// At least `bytes` of 64-byte aligned scratch, kept and reused from task to task.
  virtual void* scratch(size_t bytes) = 0;
};

/// What a running job may do. Lives for the duration of the job.
class JobContext {
 public:
  virtual ~JobContext() = default;
  virtual int threads() const = 0;
  /// True once the stream is closing or the job was aborted: return soon, results are no longer
  /// wanted. Cheap; poll per tile.
  virtual bool stopped() const = 0;
  /// Calls body(task, worker) for every task of [0, count) in increasing order of start, on this
  /// thread and, where `estimated_ns` of work is worth waking them (50 µs), on idle threads.
  /// Returns when all are done. Remaining tasks are skipped once stopped(). The first exception is
  /// rethrown here.
  virtual void parallel_for(int64_t count, double estimated_ns,
                            FunctionRef<void(int64_t, Worker&)> body) = 0;
};

}  // namespace fattn::cpu
