// Barriers in shared memory on the emulator: what they order, and each mistake with them.

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct None {};

enum class Bug {
  kNone,
  kNoInit,
  kTwoInits,
  kNoSync,
  kLoadsBarrier,
  kNoWait,
  kWrongParity,
  kTooManyArrivals,
  kMissingArrival,
  kBytesNeverCome,
  kTooManyBytes,
  kPolls,
};

constexpr int kData = 64;

FATTN_DEVICE void make(Shared<MBarrier> barrier, int arrivals) {
  if (thread_index() == 0) {
    mbarrier_init(barrier, arrivals);
    mbarrier_fence_init();
  }
  sync_block();
}

/// Warp 0 writes 32 words and arrives, warp 1 waits and reads them; three rounds.
template <Bug kBug>
struct Handover : KernelShape<None, 64, 256> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const full = memory.at<MBarrier>(0), empty = memory.at<MBarrier>(8);
    auto const words = memory.at<uint32_t>(kData);
    if (kBug != Bug::kNoInit && thread_index() == 0) {
      mbarrier_init(full, 32);
      mbarrier_init(empty, 32);
      if (kBug == Bug::kTwoInits) mbarrier_init(full, 32);
      mbarrier_fence_init();
    }
    if (kBug != Bug::kNoSync) sync_block();
    if (kBug == Bug::kLoadsBarrier) memory.at<uint64_t>(0).load();
    for (int round = 0; round < 3; ++round) {
      if (warp_index() == 0) {
        mbarrier_wait(empty, (round & 1) ^ (kBug == Bug::kWrongParity ? 0 : 1));
        words.store(lane_index(), static_cast<uint32_t>(round));
        if (kBug == Bug::kMissingArrival && lane_index() == 7 && round == 1) continue;
        if (kBug == Bug::kBytesNeverCome && lane_index() == 7 && round == 1)
          mbarrier_expect(full, 48);
        if (kBug == Bug::kTooManyBytes) mbarrier_expect(full, 1 << 20);
        mbarrier_arrive(full);
        if (kBug == Bug::kTooManyArrivals && lane_index() == 7) mbarrier_arrive(full);
      } else {
        if (kBug == Bug::kPolls)
          while (!mbarrier_test(full, round & 1)) {
          }
        else if (kBug != Bug::kNoWait)
          mbarrier_wait(full, round & 1);
        if (words.load(31 - lane_index()) != static_cast<uint32_t>(round))
          host::block().fail("wrong word");
        mbarrier_arrive(empty);
      }
    }
  }
};

TEST(emulator_mbarriers_order_memory_phase_by_phase) {
  expect_clean<Handover<Bug::kNone>>({});
  expect_clean<Handover<Bug::kPolls>>({});
}

TEST(emulator_finds_mbarriers_that_are_not_made_properly) {
  expect_mistake<Handover<Bug::kNoInit>>({}, {"uses an mbarrier at offset", "where none was made"});
  expect_mistake<Handover<Bug::kTwoInits>>({}, {"thread 0", "the mbarrier at offset 0 a second"});
  expect_mistake<Handover<Bug::kNoSync>>({}, {"mbarrier"});  // not made, or not known to be
  expect_mistake<Handover<Bug::kLoadsBarrier>>(
      {}, {"load of 8 bytes at offset 0 of shared memory touches an mbarrier"});
}

/// Made by thread 0, used by others that are later by chance only.
struct Unordered : KernelShape<None, 64, 256> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(0);
    if (thread_index() == 0) mbarrier_init(barrier, 1);
    if (warp_index() == 1) {
      for (int i = 0; i < 64; ++i) sync_warp();
      mbarrier_arrive(barrier);
    }
  }
};

TEST(emulator_finds_uses_of_mbarriers_that_nothing_orders_after_their_making) {
  bool found = false;
  for_each_schedule([&](EmulationOptions const& options) {
    std::string const text = mistake_of<Unordered>({}, options);
    found = found || text.find("nothing orders that after its mbarrier_init by thread 0") !=
                         std::string::npos;
    expect(!text.empty(), "the mistake was not found");
  });
  expect(found, "no schedule let the maker go first");
}

TEST(emulator_finds_wrong_waits_for_mbarriers) {
  expect_mistake<Handover<Bug::kNoWait>>({}, {"of 4 bytes at offset"});
  expect_mistake<Handover<Bug::kWrongParity>>(
      {}, {"threads 0-31 wait at mbarrier at offset 8 for the end of a phase of parity 0, which is "
           "in phase 0 (parity 0): 32 of 32 arrivals and 0 bytes are pending",
           "threads 32-63 wait at mbarrier at offset 0 for the end of a phase of parity 0"});
}

TEST(emulator_finds_wrong_counts_of_arrivals_and_bytes) {
  expect_mistake<Handover<Bug::kMissingArrival>>(
      {}, {"mbarrier at offset 0 for the end of a phase of parity 1, which is in phase 1 (parity "
           "1): 1 of 32 arrivals and 0 bytes are pending"});
  expect_mistake<Handover<Bug::kBytesNeverCome>>(
      {}, {"no thread can continue", "in phase 1 (parity 1): 0 of 32 arrivals and 48 bytes"});
  expect_mistake<Handover<Bug::kTooManyBytes>>(
      {}, {"expect 1048576 bytes: 1048576 would be pending, at most 1048575 can be"});
}

/// Three arrivals where two are expected, and bytes keep the phase from ending.
struct OneArrivalTooMany : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(16);
    make(barrier, 2);
    if (thread_index() == 0) mbarrier_expect(barrier, 16);
    sync_warp();
    if (thread_index() < 3) mbarrier_arrive(barrier);
  }
};

/// A whole phase beyond the waiters: they meet one that will not end.
struct LostPhase : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(16);
    make(barrier, 1);
    if (thread_index() == 0) {
      mbarrier_arrive(barrier);
      mbarrier_arrive(barrier);
    }
    sync_warp();
    mbarrier_wait(barrier, 0);
  }
};

TEST(emulator_finds_arrivals_beyond_the_phase) {
  expect_mistake<OneArrivalTooMany>(
      {},
      {"arrives at the mbarrier at offset 16, where all 2 arrivals of phase 0 have come, but 16 "
       "bytes are pending"});
  expect_mistake<LostPhase>({}, {"threads 0-31 wait at mbarrier at offset 16",
                                 "which is in phase 2 (parity 0): 1 of 1 arrivals"});
}

template <int kAddress, int kArrivals>
struct BadMaking : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    if (thread_index() == 0) mbarrier_init(memory.at<MBarrier>(kAddress), kArrivals);
  }
};

TEST(emulator_finds_misplaced_mbarriers) {
  expect_mistake<BadMaking<4, 1>>({}, {"mbarrier of 8 bytes at offset 4", "not aligned to 8"});
  expect_mistake<BadMaking<64, 1>>({}, {"lies outside the 64 bytes"});
  expect_mistake<BadMaking<0, 0>>({}, {"for 0 arrivals"});
}

}  // namespace
}  // namespace fattn::test
