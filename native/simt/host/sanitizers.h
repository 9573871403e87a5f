// What the emulator tells AddressSanitizer and ThreadSanitizer; nothing where they are absent.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace fattn::simt::host {

/// Before a switch to a stack; `fake_stack` keeps what the left stack needs when it continues.
inline void announce_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] void const* stack,
                            [[maybe_unused]] size_t bytes, [[maybe_unused]] void* tsan_fibre) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(tsan_fibre, 0);
#endif
}

/// First thing on the stack that was switched to; answers where the left stack lies.
inline void complete_switch([[maybe_unused]] void* fake_stack,
                            [[maybe_unused]] void const** left_stack,
                            [[maybe_unused]] size_t* left_bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, left_stack, left_bytes);
#endif
}

/// The frames that were on a stack are gone.
inline void forget_frames([[maybe_unused]] void* stack, [[maybe_unused]] size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack, bytes);
#endif
}

inline void* current_tsan_fibre() {
#if defined(__SANITIZE_THREAD__)
  return __tsan_get_current_fiber();
#else
  return nullptr;
#endif
}

inline void* create_tsan_fibre() {
#if defined(__SANITIZE_THREAD__)
  return __tsan_create_fiber(0);
#else
  return nullptr;
#endif
}

inline void destroy_tsan_fibre([[maybe_unused]] void* fibre) {
#if defined(__SANITIZE_THREAD__)
  if (fibre) __tsan_destroy_fiber(fibre);
#endif
}

}  // namespace fattn::simt::host
