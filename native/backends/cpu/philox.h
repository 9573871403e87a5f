#pragma once

#include <array>
#include <cstdint>

namespace fattn::cpu {

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC11, section 3.3): four random words from a counter
/// and a key, without state, so that element i of a tensor can be drawn by any thread.
constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                                         std::array<uint32_t, 2> key) {
  constexpr uint64_t kMultiplier0 = 0xd2511f53, kMultiplier1 = 0xcd9e8d57;
  constexpr uint32_t kWeyl0 = 0x9e3779b9, kWeyl1 = 0xbb67ae85;
  for (int round = 0; round < 10; ++round) {
    uint64_t const a = kMultiplier0 * counter[0];
    uint64_t const b = kMultiplier1 * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

}  // namespace fattn::cpu
