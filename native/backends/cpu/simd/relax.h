#pragma once

namespace fattn::cpu {

/// Tells the core that this thread waits in a loop: saves power and frees its hyperthread.
static inline void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // `yield` is a no-op on most cores; isb pauses for some 10 ns
#endif
}

}  // namespace fattn::cpu
