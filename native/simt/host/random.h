// Where the emulator's chance comes from: everything it draws follows from one seed.
#pragma once

#include <cstdint>

namespace fattn::simt::host {

/// A well-mixed function of two numbers (the finaliser of splitmix64).
inline uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() { return mix(state_++, 0); }
  /// In [0, bound).
  int below(int bound) { return scaled(static_cast<uint32_t>(next()), bound); }
  /// Random bits as a number in [0, bound).
  static int scaled(uint32_t bits, int bound) {
    return static_cast<int>((uint64_t{bits} * static_cast<uint32_t>(bound)) >> 32);
  }

 private:
  uint64_t state_;
};

}  // namespace fattn::simt::host
