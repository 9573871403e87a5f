// Shared memory of a thread block, PTX ISA 5.1.3 (.shared). It is reached through `Shared` only,
// never through a pointer, so that the emulator sees every access.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::simt {

/// Elements of T in the shared memory of this block, by byte address in the shared window.
template <class T>
struct Shared {
  uint32_t address;

  /// ld.shared (PTX ISA 9.7.9.8). T is trivially copyable and at most 16 bytes, aligned to its
  /// size.
  FATTN_DEVICE T load(int index = 0) const;
  /// st.shared (PTX ISA 9.7.9.12).
  FATTN_DEVICE void store(int index, T value) const;

  FATTN_DEVICE Shared operator+(int elements) const {
    return {address + static_cast<uint32_t>(elements * static_cast<int>(sizeof(T)))};
  }
  /// The same bytes as elements of U.
  template <class U>
  FATTN_DEVICE Shared<U> as() const {
    return {address};
  }
};

/// All dynamic shared memory of a block, aligned to 1024 bytes. On the emulator it starts as NaN.
struct SharedMemory {
  uint32_t address;

  template <class T>
  FATTN_DEVICE Shared<T> at(int byte_offset) const {
    return {address + static_cast<uint32_t>(byte_offset)};
  }
};

/// 16 bytes, the widest access.
struct alignas(16) Quad {
  uint32_t word[4];
};

}  // namespace fattn::simt
