#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

namespace fattn::emulated {

/// Faults to order from the emulated device, so that what follows from them can be tested. May be
/// changed while it runs.
struct Faults {
  std::atomic<int64_t> memory_bytes{int64_t{1} << 30};  // that the device has
  std::atomic<int64_t> pinned_bytes{std::numeric_limits<int64_t>::max()};
  std::atomic<int64_t> refused_launch{-1};  // launches until one is refused
  std::atomic<int64_t> fatal_kernel{-1};    // kernels until one takes the device with it
  std::atomic<int64_t> delay_us{0};         // before everything that a queue does
};

}  // namespace fattn::emulated
