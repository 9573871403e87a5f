#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

#include "backends/cpu/stop_flags.h"
#include "backends/cpu/thread_pool.h"

namespace fattn::cpu {

/// One parallel_for in progress. Lives on its leader's stack; helpers find it in the pool's list.
struct Region {
  FunctionRef<void(int64_t, Worker&)> body;
  int64_t count;
  StopFlags const& stop;
  alignas(64) std::atomic<int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr failure{};  // written by whoever set `failed`, read when nobody is inside

  // Guarded by the pool's mutex.
  int places = 0;  // helpers that may still join
  bool leader_sleeps = false;
  // Written under the mutex. At zero the leader may return, and the region is gone.
  alignas(64) std::atomic<int> inside{0};
};

}  // namespace fattn::cpu
