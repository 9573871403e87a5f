// Structs in shared memory. What a block finds out before its loop over the keys and asks again
// only now and then lies there, and leaves the registers to the products.
#pragma once

#include "simt/simt.h"

namespace fattn::mma16 {

/// Room for a trivially copyable T, moved 16 bytes at a time.
template <class T>
struct SharedRecord {
  struct alignas(16) Padded {
    T value;
  };
  static constexpr int kBytes = sizeof(Padded);
  struct Quads {
    simt::Quad quad[kBytes / 16];
  };

  simt::Shared<simt::Quad> at;

  /// Number `index` of the records at `offset`.
  FATTN_DEVICE SharedRecord(simt::SharedMemory memory, int offset, int index = 0)
      : at(memory.at<simt::Quad>(offset) + index * (kBytes / 16)) {}

  FATTN_DEVICE void store(T const& value) const {
    Padded const padded{value};
    Quads quads;
    __builtin_memcpy(&quads, &padded, kBytes);
    FATTN_UNROLL_DEVICE for (int i = 0; i < kBytes / 16; ++i) at.store(i, quads.quad[i]);
  }
  FATTN_DEVICE T load() const {
    Quads quads;
    FATTN_UNROLL_DEVICE for (int i = 0; i < kBytes / 16; ++i) quads.quad[i] = at.load(i);
    Padded padded;
    __builtin_memcpy(&padded, &quads, kBytes);
    return padded.value;
  }
};

}  // namespace fattn::mma16
