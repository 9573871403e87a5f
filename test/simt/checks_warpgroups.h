// What goes with the products of warpgroups: their groups, and registers that change hands.
#pragma once

#include <cstdint>

#include "checks_products.h"

namespace fattn::conformance {

struct GroupParams {
  Quad const* image;
  float* sums;  // [2][64, 8]
};

/// Two groups under way; the first is read while the second runs, then goes on with its sums.
struct ProductGroups : KernelShape<GroupParams, 128, 8192> {
  FATTN_DEVICE static void run(GroupParams const& p, SharedMemory memory) {
    for (int i = thread_index(); i < 8192 / 16; i += 128) memory.at<Quad>(0).store(i, p.image[i]);
    fence_async_proxy();
    sync_block();
    auto const a = describe_matrix(memory.at<Quad>(0), TileSwizzle::k128, 0);
    WgmmaAccumulator<8> first, second;
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < 4; ++i) {
      first.set(i, 5.0f);
      second.set(i, 7.0f);
    }
    wgmma_fence(first, second);
    wgmma<F16, Major::kK, Major::kK>(first, a, a, true);
    wgmma_commit();
    wgmma<F16, Major::kK, Major::kK>(second, a + 32, a + 32, true);
    wgmma_commit();
    wgmma_wait<1>(first);
    write(p.sums, first);
    wgmma_wait<0>(second);
    write(p.sums + 512, second);
  }

  FATTN_DEVICE static void write(float* sums, WgmmaAccumulator<8> const& from) {
    int const row = warp_index() * 16 + lane_index() / 4, column = lane_index() % 4 * 2;
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < 4; ++i) sums[(row + i / 2 * 8) * 8 + column + i % 2] = from.get(i);
  }
};

/// The second factor is the first 8 rows of the first.
inline void check_groups(Machine& machine) {
  Problem const problem(8);
  auto const image = Problem::image(problem.a, true, Major::kK, TileSwizzle::k128);
  std::vector<float> expected;
  for (int group = 0; group < 2; ++group)
    for (int row = 0; row < kProductRows; ++row)
      for (int column = 0; column < 8; ++column) {
        int sum = group == 0 ? 5 : 7;
        for (int k = group * 16; k < group * 16 + 16; ++k)
          sum += Problem::at(problem.a, row, k) * Problem::at(problem.a, column, k);
        expected.push_back(static_cast<float>(sum));
      }
  auto* const sums = machine.room<float>(expected.size());
  machine.run<ProductGroups>({reinterpret_cast<Quad const*>(machine.place(image.halves())), sums});
  expect_same(machine.fetch(sums, expected.size()), expected, "sums");
}

struct Exchange {
  uint32_t const* in;  // two for every word held
  uint32_t* out;
};

/// 24 + 240 + 240 registers are the 3 * 168 that 384 threads begin with. Warpgroup 0 gives; the
/// others hold, across a barrier, more words than 168 registers have room for.
struct RegisterExchange : KernelShape<Exchange, 384> {
  static constexpr int kHeld = 190;

  FATTN_DEVICE static void run(Exchange const& p, SharedMemory) {
    uint32_t* const out = p.out + thread_index();
    if (warp_index() < 4) {
      lower_registers<24>();
      *out = static_cast<uint32_t>(thread_index());
    } else {
      raise_registers<240>();
      hold(p.in, out);
    }
  }

  FATTN_DEVICE static void hold(uint32_t const* in, uint32_t* out) {
    uint32_t held[kHeld];
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < kHeld; ++i) held[i] = in[i];
    sync_barrier<1>(256);
    uint32_t sum = 0;
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < kHeld; ++i) sum += held[i] * in[kHeld + i];
    *out = sum;
  }
};

inline void check_registers(Machine& machine) {
  constexpr uint32_t kHeld = RegisterExchange::kHeld;
  std::vector<uint32_t> in(2 * kHeld);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < 2 * kHeld; ++i) in[i] = i * i + 1;
  for (uint32_t i = 0; i < kHeld; ++i) sum += in[i] * in[kHeld + i];
  std::vector<uint32_t> expected(384, sum);
  for (uint32_t i = 0; i < 128; ++i) expected[i] = i;
  auto* const out = machine.room<uint32_t>(384, 1u);
  machine.run<RegisterExchange>({machine.place(in), out}, {3, 1, 1});
  expect_same(machine.fetch(out, 384), expected, "words of each thread");
}

inline std::vector<Check> checks_of_warpgroups() {
  return {
      {{"wgmma", "wgmma_fence", "describe_matrix"}, Needs::kSm90a, check_wgmma},
      {{"wgmma_commit", "wgmma_wait"}, Needs::kSm90a, check_groups},
      {{"lower_registers", "raise_registers"}, Needs::kSm90a, check_registers},
  };
}

}  // namespace fattn::conformance
