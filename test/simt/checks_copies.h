// Asynchronous copies into shared memory.
#pragma once

#include <cstdint>

#include "check.h"

namespace fattn::conformance {

struct Copies {
  uint32_t const* in;  // 3 groups of 32 lanes
  uint32_t* out;
};

/// Three groups; lanes whose number is a multiple of 3 copy nothing, that is zeros. The groups are
/// waited for one by one, in their order, and read by another lane.
template <int kBytes>
struct CopyGroups : KernelShape<Copies, 32, 3 * 32 * kBytes> {
  static constexpr int kWords = kBytes / 4, kGroup = 32 * kWords;

  FATTN_DEVICE static void run(Copies const& p, SharedMemory memory) {
    int const place = lane_index() * kWords;
    auto const words = memory.at<uint32_t>(0);
    for (int group = 0; group < 3; ++group) {
      bool const valid = lane_index() % 3 != 0;
      auto const target = words + (group * kGroup + place);
      uint32_t const* const source = valid ? p.in + group * kGroup + place : p.in;
      if constexpr (kBytes == 16)
        copy_async_16(target.template as<Quad>(), source, valid);
      else
        copy_async_small<kBytes>(target.address, source, valid);
      commit_copies();
    }
    wait_copies<2>();
    read(p, words, 0);
    wait_copies<1>();
    read(p, words, 1);
    wait_copies<0>();
    read(p, words, 2);
  }

  FATTN_DEVICE static void read(Copies const& p, Shared<uint32_t> words, int group) {
    sync_warp();
    for (int i = 0; i < kWords; ++i) {
      int const place = group * kGroup + (31 - lane_index()) * kWords + i;
      p.out[place] = words.load(place);
    }
  }
};

template <int kBytes>
void check_copy_groups(Machine& machine) {
  constexpr size_t kWords = kBytes / 4, kCount = 3 * 32 * kWords;
  std::vector<uint32_t> in(kCount), expected(kCount);
  for (size_t i = 0; i < kCount; ++i) {
    in[i] = static_cast<uint32_t>(i + 7);
    expected[i] = i / kWords % 32 % 3 == 0 ? 0 : in[i];
  }
  auto* const out = machine.room<uint32_t>(kCount, 1u);
  machine.run<CopyGroups<kBytes>>({machine.place(in), out});
  expect_same(machine.fetch(out, kCount), expected, "words copied");
}

inline void check_copy_16(Machine& machine) { check_copy_groups<16>(machine); }
inline void check_copy_small(Machine& machine) {
  check_copy_groups<4>(machine);
  check_copy_groups<8>(machine);
}

inline std::vector<Check> checks_of_copies() {
  return {
      {{"copy_async_16", "commit_copies", "wait_copies"}, Needs::kSm80, check_copy_16},
      {{"copy_async_small"}, Needs::kSm80, check_copy_small},
  };
}

}  // namespace fattn::conformance
