// Who a thread is, and what its collectives and atomics answer.
#pragma once

#include <bit>
#include <cstdint>
#include <numeric>

#include "check.h"

namespace fattn::conformance {

struct Words {
  uint32_t* out;
};

/// Every thread of every block writes, at its own place, who it is.
struct Identity : KernelShape<Words, 96> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    Index3 const block = block_index(), grid = grid_size();
    uint32_t const index = (block.z * grid.y + block.y) * grid.x + block.x;
    uint32_t* const mine = p.out + (index * kThreads + static_cast<uint32_t>(thread_index())) * 6;
    mine[0] = block.x + 10 * block.y + 100 * block.z;
    mine[1] = grid.x + 10 * grid.y + 100 * grid.z;
    mine[2] = static_cast<uint32_t>(thread_index());
    mine[3] = static_cast<uint32_t>(lane_index());
    mine[4] = static_cast<uint32_t>(warp_index());
    mine[5] += 1;
  }
};

inline void check_identity(Machine& machine) {
  std::vector<uint32_t> expected;
  for (uint32_t z = 0; z < 4; ++z)
    for (uint32_t y = 0; y < 3; ++y)
      for (uint32_t x = 0; x < 2; ++x)
        for (uint32_t t = 0; t < 96; ++t)
          expected.insert(expected.end(), {x + 10 * y + 100 * z, 432, t, t % 32, t / 32, 1});
  auto* const out = machine.room<uint32_t>(expected.size());
  machine.run<Identity>({out}, {2, 3, 4});
  expect_same(machine.fetch(out, expected.size()), expected, "6 words of each thread");
}

/// Every collective once, by two warps whose values differ.
struct Collectives : KernelShape<Words, 64> {
  static constexpr int kWords = 14;

  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const lane = lane_index(), me = thread_index();
    uint32_t* const mine = p.out + me * kWords;
    mine[0] = shuffle_xor(static_cast<uint32_t>(me), 5);
    mine[1] = shuffle(static_cast<uint32_t>(me), (lane * 7 + 3) % 32);
    mine[2] = shuffle_up(static_cast<uint32_t>(me), 3);
    mine[3] = shuffle_down(static_cast<uint32_t>(me), 30);
    mine[4] = bits_of(shuffle_xor(static_cast<float>(me) + 0.5f, 16));
    mine[5] = any_lane(me == 13);
    mine[6] = all_lanes(me != 13);
    mine[7] = ballot(me % 3 == 0);
    mine[8] = reduce_or(1u << me % 7);
    mine[9] = static_cast<uint32_t>(reduce_add(me - 40));
    mine[10] = static_cast<uint32_t>(reduce_max(me == 9 ? -1 : -me - 2));
    mine[11] = any_lane(false);
    mine[12] = all_lanes(true);
    mine[13] = static_cast<uint32_t>(reduce_add(0x7fffffff));  // wraps
  }
};

inline std::vector<uint32_t> expected_of_collectives(uint32_t t) {
  uint32_t const lane = t % 32, warp = t - lane;
  uint32_t thirds = 0;
  for (uint32_t i = 0; i < 32; ++i) thirds |= (warp + i) % 3 == 0 ? 1u << i : 0;
  return {warp + (lane ^ 5),
          warp + (lane * 7 + 3) % 32,
          lane < 3 ? t : t - 3,
          lane < 2 ? t + 30 : t,
          std::bit_cast<uint32_t>(static_cast<float>(warp + (lane ^ 16)) + 0.5f),
          warp == 0 ? 1u : 0u,
          warp == 0 ? 0u : 1u,
          thirds,
          0x7f,
          warp * 32 + 31 * 16 - 40 * 32,
          warp == 0 ? ~0u : 0u - 34,
          0,
          1,
          0x7fffffffu * 32};
}

inline void check_collectives(Machine& machine) {
  std::vector<uint32_t> expected;
  for (uint32_t t = 0; t < 64; ++t)
    for (uint32_t word : expected_of_collectives(t)) expected.push_back(word);
  auto* const out = machine.room<uint32_t>(expected.size());
  machine.run<Collectives>({out});
  expect_same(machine.fetch(out, expected.size()), expected, "14 words of each thread");
}

struct Elections : KernelShape<Words, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    p.out[thread_index()] = (elect_one() ? 1 : 0) + (elect_one() ? 10 : 0);
  }
};

inline void check_elections(Machine& machine) {
  auto* const out = machine.room<uint32_t>(64);
  machine.run<Elections>({out});
  auto const got = machine.fetch(out, 64);
  for (auto warp = got.begin(); warp != got.end(); warp += 32)
    expect(std::accumulate(warp, warp + 32, 0u) == 11, "not one lane was elected, twice the same");
}

struct Counters {
  int32_t *sum, *least, *most, *last, *winner, *returned;
  float* total;
};

struct Atomics : KernelShape<Counters, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const me = static_cast<int>(block_index().x) * kThreads + thread_index();
    p.returned[me] = atomic_add(p.sum, 1);
    atomic_add(p.total, 0.5f);
    atomic_min(p.least, -me);
    atomic_max(p.most, me);
    p.returned[640 + me] = atomic_exchange(p.last, me);
    p.returned[1280 + me] = atomic_compare_exchange(p.winner, -1, me);
  }
};

/// Old values: 0 .. 639 in some order; a chain that begins at -1; and -1 for one winner.
inline void check_atomics(Machine& machine) {
  Counters const p{machine.room<int32_t>(1),     machine.room<int32_t>(1),
                   machine.room<int32_t>(1),     machine.room<int32_t>(1, -1),
                   machine.room<int32_t>(1, -1), machine.room<int32_t>(1920),
                   machine.room<float>(1)};
  machine.run<Atomics>(p, {10, 1, 1});
  auto const one = [&](int32_t const* at) { return machine.fetch(at, 1).front(); };
  expect(one(p.sum) == 640, "atomic_add of int32: ", one(p.sum));
  expect(machine.fetch(p.total, 1).front() == 320.0f, "atomic_add of float");
  expect(one(p.least) == -639 && one(p.most) == 639, "atomic_min or atomic_max");
  auto const old = machine.fetch(p.returned, 1920);
  std::vector<int> added(640), left(641);
  int32_t winner = -1;
  for (int32_t i = 0; i < 640; ++i) {
    added.at(static_cast<size_t>(old[static_cast<size_t>(i)]))++;
    left.at(static_cast<size_t>(old[static_cast<size_t>(640 + i)] + 1))++;
    if (old[static_cast<size_t>(1280 + i)] == -1) winner = i;
  }
  left.at(static_cast<size_t>(one(p.last) + 1))++;
  expect_same(added, std::vector<int>(640, 1), "times that atomic_add returned a value");
  expect_same(left, std::vector<int>(641, 1), "times that atomic_exchange met a value");
  expect(winner >= 0 && one(p.winner) == winner, "atomic_compare_exchange: ", one(p.winner));
}

struct Partials {
  int32_t *parts, *arrived, *total;
};

/// The block that comes last adds up what the others wrote.
struct LastBlock : KernelShape<Partials, 32, 16> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const blocks = static_cast<int>(grid_size().x), me = static_cast<int>(block_index().x);
    auto const last = memory.at<int32_t>(0);
    p.parts[me * kThreads + thread_index()] = me + thread_index();
    fence_device();
    sync_block();
    if (thread_index() == 0) last.store(0, atomic_add(p.arrived, 1) == blocks - 1);
    sync_block();
    if (last.load() == 0) return;
    fence_device();
    int sum = 0;
    for (int i = 0; i < blocks; ++i) sum += p.parts[i * kThreads + thread_index()];
    atomic_add(p.total, sum);
  }
};

inline void check_fence_device(Machine& machine) {
  constexpr int kBlocks = 200;
  for (int round = 0; round < 3; ++round) {
    Partials const p{machine.room<int32_t>(kBlocks * 32, -1000000), machine.room<int32_t>(1),
                     machine.room<int32_t>(1)};
    machine.run<LastBlock>(p, {kBlocks, 1, 1});
    int const expected = 32 * kBlocks * (kBlocks - 1) / 2 + kBlocks * 31 * 16;
    int const got = machine.fetch(p.total, 1).front();
    expect(got == expected, "the last block sums ", got, ", expected ", expected);
  }
}

inline std::vector<Check> checks_of_threads() {
  return {
      {{"thread_index", "block_index", "grid_size", "lane_index", "warp_index"},
       Needs::kSm80,
       check_identity},
      {{"shuffle_xor", "shuffle", "shuffle_up", "shuffle_down", "any_lane", "all_lanes", "ballot",
        "reduce_or", "reduce_add", "reduce_max"},
       Needs::kSm80,
       check_collectives},
      {{"elect_one"}, Needs::kSm90, check_elections},
      {{"atomic_add", "atomic_min", "atomic_max", "atomic_exchange", "atomic_compare_exchange"},
       Needs::kSm80,
       check_atomics},
      {{"fence_device"}, Needs::kSm80, check_fence_device},
  };
}

}  // namespace fattn::conformance
