// Barriers in shared memory, phase by phase.
#pragma once

#include <cstdint>

#include "checks_barriers.h"

namespace fattn::conformance {

/// The barrier is there for all threads.
FATTN_DEVICE void make_barrier(Shared<MBarrier> barrier, int arrivals) {
  if (thread_index() == 0) {
    mbarrier_init(barrier, arrivals);
    mbarrier_fence_init();
  }
  sync_block();
}

/// Warp 0 writes, warp 1 reads, through one stage with a barrier for "full" and one for "empty".
template <bool kTests>
struct Phases : KernelShape<Words, 64, 256> {
  FATTN_DEVICE static void run(Words const& p, SharedMemory memory) {
    auto const full = memory.at<MBarrier>(0), empty = memory.at<MBarrier>(8);
    auto const words = memory.at<uint32_t>(64);
    make_barrier(full, 32);
    make_barrier(empty, 32);
    uint32_t wrong = 0;
    for (int round = 0; round < kRounds; ++round) {
      if (warp_index() == 0) {
        until(empty, (round & 1) ^ 1);
        words.store(lane_index(), static_cast<uint32_t>(round * 32 + lane_index()));
        mbarrier_arrive(full);
      } else {
        until(full, round & 1);
        int const from = 31 - lane_index();
        wrong += words.load(from) != static_cast<uint32_t>(round * 32 + from);
        mbarrier_arrive(empty);
      }
    }
    p.out[thread_index()] = wrong;
  }
  FATTN_DEVICE static void until(Shared<MBarrier> barrier, int parity) {
    if constexpr (kTests)
      while (!mbarrier_test(barrier, parity)) {
      }
    else
      mbarrier_wait(barrier, parity);
  }
};

template <bool kTests>
void check_phases(Machine& machine) {
  auto* const out = machine.room<uint32_t>(64, 99u);
  machine.run<Phases<kTests>>({out});
  expect_same(machine.fetch(out, 64), std::vector<uint32_t>(64), "stale words of each thread");
}

/// What mbarrier_test answers along the way: before any arrival, after one of two, after both, and
/// so for the next phase.
struct Parities : KernelShape<Words, 32, 64> {
  FATTN_DEVICE static void run(Words const& p, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(0);
    make_barrier(barrier, 2);
    for (int step = 0; step < 5; ++step) {
      uint32_t const ended =
          (mbarrier_test(barrier, 0) ? 1 : 0) + (mbarrier_test(barrier, 1) ? 2 : 0);
      if (thread_index() == 0) p.out[step] = ended;
      sync_warp();
      if (thread_index() == step) mbarrier_arrive(barrier);
      sync_warp();
    }
  }
};

inline void check_parities(Machine& machine) {
  auto* const out = machine.room<uint32_t>(5, 99u);
  machine.run<Parities>({out});
  expect_same(machine.fetch(out, 5), {2, 2, 1, 1, 2}, "parities that count as ended");
}

struct Bytes {
  Quad const* in;
  uint32_t* out;
};

/// 512 bytes in two copies: the phase ends when both have come and the one arrival. The bytes are
/// announced with the arrival, or, in the second phase, before it.
struct Announced : KernelShape<Bytes, 64, 1024> {
  FATTN_DEVICE static void run(Bytes const& p, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(0);
    auto const stage = memory.at<Quad>(128);
    make_barrier(barrier, 1);
    for (int phase = 0; phase < 2; ++phase) {
      if (thread_index() == 0) {
        if (phase == 0) mbarrier_arrive_expect(barrier, 512);
        if (phase == 1) mbarrier_expect(barrier, 512);
        load_bulk(stage, p.in + phase * 32, 256, barrier);
        load_bulk(stage + 16, p.in + phase * 32 + 16, 256, barrier);
        if (phase == 1) mbarrier_arrive(barrier);
      }
      mbarrier_wait(barrier, phase);
      for (int i = thread_index(); i < 128; i += kThreads)
        p.out[phase * 128 + i] = stage.as<uint32_t>().load(i);
      fence_async_proxy();  // before the next load writes over it
      sync_block();
    }
  }
};

inline void check_announced(Machine& machine) {
  std::vector<uint32_t> in(256);
  for (uint32_t i = 0; i < 256; ++i) in[i] = 3 * i + 1;
  auto* const out = machine.room<uint32_t>(256);
  machine.run<Announced>({reinterpret_cast<Quad const*>(machine.place(in)), out});
  expect_same(machine.fetch(out, 256), in, "words loaded");
}

inline std::vector<Check> checks_of_mbarriers() {
  return {
      {{"mbarrier_init", "mbarrier_arrive", "mbarrier_wait"}, Needs::kSm90, check_phases<false>},
      {{"mbarrier_test"}, Needs::kSm90, check_phases<true>},
      {{"mbarrier_test"}, Needs::kSm90, check_parities},
      {{"mbarrier_fence_init", "mbarrier_arrive_expect", "mbarrier_expect"},
       Needs::kSm90,
       check_announced},
  };
}

}  // namespace fattn::conformance
