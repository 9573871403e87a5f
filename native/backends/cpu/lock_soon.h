#pragma once

#include <mutex>

#include "backends/cpu/simd/relax.h"

namespace fattn::cpu {

/// Locks a mutex that others hold for some 100 ns at a time. Going to sleep for it would cost a
/// system call, and the core with it: a thread that spins for work may then keep it until it gives
/// up, and the caller may be the event loop.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  std::unique_lock lock(mutex, std::try_to_lock);
  for (int turn = 0; turn < 200 && !lock.owns_lock(); ++turn) {
    relax();
    (void)lock.try_lock();
  }
  if (!lock.owns_lock()) lock.lock();  // its holder has lost its core
  return lock;
}

}  // namespace fattn::cpu
