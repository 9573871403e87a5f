// How the threads of a block meet, and shared memory between them.
#pragma once

#include <cstdint>

#include "checks_threads.h"

namespace fattn::conformance {

constexpr int kRounds = 20;

/// Every round each thread reads what a thread of another warp wrote in it.
struct BlockRounds : KernelShape<Words, 128, 512> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const words = memory.at<uint32_t>(0);
    int const me = thread_index();
    uint32_t wrong = 0;
    for (int round = 0; round < kRounds; ++round) {
      words.store(me, static_cast<uint32_t>(round * kThreads + me));
      sync_block();
      int const other = (me + 45) % kThreads;
      wrong += words.load(other) != static_cast<uint32_t>(round * kThreads + other);
      sync_block();
    }
    p.out[me] = wrong;
  }
};

inline void check_sync_block(Machine& machine) {
  auto* const out = machine.room<uint32_t>(128, 99u);
  machine.run<BlockRounds>({out});
  expect_same(machine.fetch(out, 128), std::vector<uint32_t>(128), "stale words of each thread");
}

struct WarpRounds : KernelShape<Words, 64, 256> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const words = memory.at<uint32_t>(0) + warp_index() * 32;
    uint32_t wrong = 0;
    for (int round = 0; round < kRounds; ++round) {
      words.store(lane_index(), static_cast<uint32_t>(round * 32 + lane_index()));
      sync_warp();
      int const other = (lane_index() + 13) % 32;
      wrong += words.load(other) != static_cast<uint32_t>(round * 32 + other);
      sync_warp();
    }
    p.out[thread_index()] = wrong;
  }
};

inline void check_sync_warp(Machine& machine) {
  auto* const out = machine.room<uint32_t>(64, 99u);
  machine.run<WarpRounds>({out});
  expect_same(machine.fetch(out, 64), std::vector<uint32_t>(64), "stale words of each thread");
}

/// Warp 0 fills two buffers in turn and never waits at the barriers that say "full"; warps 1 and 2
/// read them and never wait at those that say "empty". Warps 3 and 4 meet among themselves.
struct NamedRounds : KernelShape<Words, 160, 1024> {
  static constexpr int kBoth = 96;

  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    int const warp = warp_index();
    auto const buffers = memory.at<uint32_t>(0);
    if (warp == 0) produce(buffers);
    if (warp == 1 || warp == 2) consume(p, buffers);
    if (warp >= 3) meet(p, memory.at<uint32_t>(512));
  }

  FATTN_DEVICE static void produce(Shared<uint32_t> buffers) {
    for (int round = 0; round < kRounds; round += 2) {
      if (round > 0) sync_barrier<3>(kBoth);
      buffers.store(lane_index(), static_cast<uint32_t>(round * 32 + lane_index()));
      arrive_barrier<1>(kBoth);
      if (round > 0) sync_barrier<4>(kBoth);
      buffers.store(32 + lane_index(), static_cast<uint32_t>((round + 1) * 32 + lane_index()));
      arrive_barrier<2>(kBoth);
    }
  }

  FATTN_DEVICE static void consume(Params const& p, Shared<uint32_t> buffers) {
    uint32_t wrong = 0;
    int const from = 31 - lane_index();
    for (int round = 0; round < kRounds; round += 2) {
      sync_barrier<1>(kBoth);
      wrong += buffers.load(from) != static_cast<uint32_t>(round * 32 + from);
      if (round + 2 < kRounds) arrive_barrier<3>(kBoth);
      sync_barrier<2>(kBoth);
      wrong += buffers.load(32 + from) != static_cast<uint32_t>((round + 1) * 32 + from);
      if (round + 2 < kRounds) arrive_barrier<4>(kBoth);
    }
    p.out[thread_index()] = wrong;
  }

  FATTN_DEVICE static void meet(Params const& p, Shared<uint32_t> words) {
    int const me = thread_index() - 96;
    words.store(me, static_cast<uint32_t>(me));
    sync_barrier<15>(64);
    p.out[thread_index()] = words.load(63 - me) != static_cast<uint32_t>(63 - me);
  }
};

inline void check_named_barriers(Machine& machine) {
  auto* const out = machine.room<uint32_t>(160, 0u);
  machine.write(out + 32, std::vector<uint32_t>(128, 99u).data(), 128 * sizeof(uint32_t));
  machine.run<NamedRounds>({out});
  expect_same(machine.fetch(out, 160), std::vector<uint32_t>(160), "stale words of each thread");
}

/// Stores a T and loads its bytes, and the reverse; `index` and `+` count in elements.
template <class T>
struct SharedWidth : KernelShape<Words, 32, 1024> {
  static constexpr int kSize = static_cast<int>(sizeof(T));

  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    int const lane = lane_index();
    auto const elements = memory.at<T>(512);
    for (int i = 0; i < kSize; ++i)
      memory.at<uint8_t>(0).store(lane * kSize + i, static_cast<uint8_t>(lane * kSize + i));
    sync_warp();
    (elements + 31).store(-lane, (memory.at<T>(0) + lane).load());
    sync_warp();
    auto const bytes = (elements + (31 - lane)).template as<uint8_t>();
    uint32_t wrong = 0;
    for (int i = 0; i < kSize; ++i)
      wrong += bytes.load(i) != static_cast<uint8_t>(lane * kSize + i);
    p.out[lane] = wrong;
  }
};

template <class T>
void check_width(Machine& machine) {
  auto* const out = machine.room<uint32_t>(32, 99u);
  machine.run<SharedWidth<T>>({out});
  expect_same(machine.fetch(out, 32), std::vector<uint32_t>(32), "wrong bytes of each lane");
}

inline void check_shared(Machine& machine) {
  check_width<uint8_t>(machine);
  check_width<uint16_t>(machine);
  check_width<float>(machine);
  check_width<double>(machine);
  check_width<Quad>(machine);
}

/// 4096 bytes, the most there may be.
struct Large {
  uint32_t* out;
  uint32_t word[1022];
};

struct Handover : KernelShape<Large, 64, 96 * 1024> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    for (int i = thread_index(); i < 1022; i += kThreads) p.out[i] = p.word[i];
    memory.at<uint32_t>(kSharedBytes - 256).store(thread_index(), memory.address);
    p.out[1022 + thread_index()] = memory.at<uint32_t>(kSharedBytes - 256).load(thread_index());
  }
};

/// The parameters arrive, and the shared memory is aligned as kernels count on.
inline void check_kernels(Machine& machine) {
  Large p{machine.room<uint32_t>(1022 + 64), {}};
  for (uint32_t i = 0; i < 1022; ++i) p.word[i] = i * i + 1;
  machine.run<Handover>(p);
  auto const got = machine.fetch(p.out, 1022 + 64);
  for (uint32_t i = 0; i < 1022; ++i)
    expect(got[i] == i * i + 1, "word ", i, " of the parameters is ", got[i]);
  for (size_t i = 1022; i < got.size(); ++i)
    expect(got[i] == got[1022] && got[i] % 1024 == 0, "shared memory begins at ", got[i]);
}

inline std::vector<Check> checks_of_barriers() {
  return {
      {{"compile_kernel", "at"}, Needs::kSm80, check_kernels},
      {{"load", "store", "as"}, Needs::kSm80, check_shared},
      {{"sync_block"}, Needs::kSm80, check_sync_block},
      {{"sync_warp"}, Needs::kSm80, check_sync_warp},
      {{"sync_barrier", "arrive_barrier"}, Needs::kSm80, check_named_barriers},
  };
}

}  // namespace fattn::conformance
