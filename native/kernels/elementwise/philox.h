#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn {

struct PhiloxWords {
  uint32_t word[4];
  bool operator==(PhiloxWords const&) const = default;
};

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC11, section 3.3): four random words from a counter
/// and a key, without state, so that element i of a tensor can be drawn by any thread.
FATTN_HOST_DEVICE constexpr PhiloxWords philox(PhiloxWords counter, uint64_t key) {
  constexpr uint64_t kMultiplier0 = 0xd2511f53, kMultiplier1 = 0xcd9e8d57;
  constexpr uint32_t kWeyl0 = 0x9e3779b9, kWeyl1 = 0xbb67ae85;
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t const a = kMultiplier0 * counter.word[0];
    uint64_t const b = kMultiplier1 * counter.word[2];
    counter = {{static_cast<uint32_t>(b >> 32) ^ counter.word[1] ^ key0, static_cast<uint32_t>(b),
                static_cast<uint32_t>(a >> 32) ^ counter.word[3] ^ key1, static_cast<uint32_t>(a)}};
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return counter;
}

}  // namespace fattn
