#pragma once

// Kernels on the emulator, with memory whose neighbourhood is watched.

#include <cstring>
#include <random>
#include <type_traits>

#include "emulator_fixture.h"

namespace fattn::test {

/// `body(options)` for a few seeds in both landing modes: enough for kernels that others, which
/// plant mistakes, have shown the emulator to see through.
template <class Body>
void for_some_schedules(Body const& body) {
  for (uint64_t seed : {3, 8}) {
    body(EmulationOptions{seed, Landing::kLate, 1, seed});
    body(EmulationOptions{seed, Landing::kEarly, 1, seed});
  }
}

/// Elements between guard bytes. They start as bytes 0xff: a NaN of every float type.
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(int64_t count)
      : bytes_(static_cast<size_t>(count) * sizeof(T) + 2 * kGuard, kFresh), count_(count) {
    std::memset(bytes_.data(), kMark, kGuard);
    std::memset(bytes_.data() + bytes_.size() - kGuard, kMark, kGuard);
  }

  T* data() { return bytes_.empty() ? nullptr : reinterpret_cast<T*>(bytes_.data() + kGuard); }
  int64_t size() const { return count_; }
  T& operator[](int64_t i) { return data()[i]; }
  bool fresh(int64_t i) {
    std::vector<unsigned char> const untouched(sizeof(T), kFresh);
    return std::memcmp(data() + i, untouched.data(), sizeof(T)) == 0;
  }
  void expect_guards(Where where = Where::current()) const {
    for (size_t i = 0; i < kGuard && !bytes_.empty(); ++i)
      if (bytes_[i] != kMark || bytes_[bytes_.size() - 1 - i] != kMark)
        fail(where, "guard byte ", i, " was overwritten");
  }

 private:
  static constexpr size_t kGuard = 64;
  static constexpr unsigned char kMark = 0xa5, kFresh = 0xff;
  std::vector<unsigned char> bytes_;
  int64_t count_ = 0;
};

/// Normal numbers, rounded to T.
template <class T>
Guarded<T> random_elements(int64_t count, unsigned seed) {
  Guarded<T> elements(count);
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < count; ++i) elements[i] = simt::round_to<T>(normal(generator));
  return elements;
}

/// The unit in the last place of numbers of T between 1 and 2.
template <class T>
constexpr double kUnit = std::is_same_v<T, float>       ? 0x1p-23
                         : std::is_same_v<T, simt::F16> ? 0x1p-10
                                                        : 0x1p-7;

/// A grid of one axis for `items`, `per_block` to the block.
inline Index3 grid_of(int64_t items, int64_t per_block) {
  return {static_cast<uint32_t>((items + per_block - 1) / per_block), 1, 1};
}

}  // namespace fattn::test
