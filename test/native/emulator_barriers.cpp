// Barriers and collectives of the emulator: whom they wait for, and how they say who is missing.

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct None {};

/// Warps from kFrom on leave before the barrier.
template <int kFrom>
struct EarlyExit : KernelShape<None, 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    if (warp_index() >= kFrom) return;
    sync_block();
  }
};

TEST(emulator_names_the_threads_that_miss_a_block_barrier) {
  expect_mistake<EarlyExit<2>>(
      {}, {"threads 0-63 wait at barrier 0", "which 64 of 128 threads have reached",
           "missing are threads 64-127", "threads 64-127 have ended"});
  expect_clean<EarlyExit<4>>({});
}

/// Warps 0 and 1 meet at barrier 2, warps 2 and 3 at barrier 2 too, or at barrier 5.
template <bool kBug>
struct NamedPairs : KernelShape<None, 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    if (warp_index() < 2) sync_barrier<2>(64);
    if (warp_index() == 2) sync_barrier<5>(64);
    if (warp_index() == 3 && !kBug) sync_barrier<5>(64);
    if (warp_index() == 3 && kBug) sync_barrier<6>(64);
  }
};

TEST(emulator_names_the_barriers_that_never_open) {
  expect_mistake<NamedPairs<true>>({},
                                   {"threads 64-95 wait at barrier 5",
                                    "32 of 64 threads have reached; missing are 32 of threads 0-63",
                                    "threads 96-127 wait at barrier 6"});
  expect_clean<NamedPairs<false>>({});
}

template <int kCount>
struct Count : KernelShape<None, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    sync_barrier<1>(warp_index() == 0 ? 64 : kCount);
  }
};

TEST(emulator_finds_wrong_thread_counts_at_a_barrier) {
  expect_mistake<Count<32>>({}, {"barrier 1"});
  expect_mistake<Count<48>>({}, {"reaches barrier 1 for 48 threads", "not a multiple of 32"});
  expect_mistake<Count<96>>({}, {"reaches barrier 1 for 96 threads", "the 64 of the block"});
  expect_mistake<Count<0>>({}, {"reaches barrier 1 for 0 threads"});
  expect_clean<Count<64>>({});
}

/// All come to barrier 1, but warp 2 counts 64 threads where the others count 96.
template <bool kBug>
struct Disagreement : KernelShape<None, 96> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    sync_barrier<1>(kBug && warp_index() == 2 ? 64 : 96);
  }
};

TEST(emulator_finds_threads_that_disagree_about_a_barrier) {
  expect_mistake<Disagreement<true>>({}, {"reaches barrier 1 for", "threads, others for"});
  expect_clean<Disagreement<false>>({});
}

/// 16 lanes of each of four warps would open a barrier for 64 threads.
template <bool kBug>
struct HalfWarps : KernelShape<None, 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    bool const comes = kBug ? lane_index() < 16 : warp_index() < 2;
    if (comes) sync_barrier<4>(64);
  }
};

TEST(emulator_finds_barriers_reached_by_part_of_a_warp) {
  expect_mistake<HalfWarps<true>>({},
                                  {"barrier 4 is reached by part of warp 0, without lanes 16-31"});
  expect_clean<HalfWarps<false>>({});
}

/// Warp 0 produces what warp 1 consumes; the producer does not wait.
template <bool kBug>
struct ProducerConsumer : KernelShape<None, 64, 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const words = memory.at<int>(0);
    if (warp_index() == 0) {
      words.store(lane_index(), 5);
      arrive_barrier<1>(64);
      if (kBug) words.store(lane_index(), 6);
    } else {
      sync_barrier<1>(64);
      if (words.load(31 - lane_index()) == 0) host::block().fail("wrong value");
    }
  }
};

TEST(emulator_arrivals_publish_what_came_before_them_only) {
  expect_mistake<ProducerConsumer<true>>({}, {"races with the", "by thread"});
  expect_clean<ProducerConsumer<false>>({});
}

/// The arriving warp does not learn what the waiting one did.
template <bool kBug>
struct ArrivalLearns : KernelShape<None, 64, 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const words = memory.at<int>(0);
    if (warp_index() == 1) words.store(lane_index(), 5);
    sync_barrier<1>(64);
    if (warp_index() == 1) words.store(lane_index(), 6);
    if (warp_index() == 1 || !kBug) sync_barrier<2>(64);
    if (warp_index() == 0 && kBug) arrive_barrier<2>(64);
    if (warp_index() == 0) (void)words.load(lane_index());
  }
};

TEST(emulator_arrivals_order_nothing_for_the_arriving) {
  expect_mistake<ArrivalLearns<true>>({}, {"races with the"});
  expect_clean<ArrivalLearns<false>>({});
}

template <bool kBug>
struct ArrivesTwice : KernelShape<None, 96> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    if (warp_index() == 0) {
      arrive_barrier<7>(96);
      if (kBug) arrive_barrier<7>(96);
    } else {
      sync_barrier<7>(96);
    }
  }
};

TEST(emulator_finds_arrivals_that_count_twice) {
  std::string found;
  for (uint64_t seed = 0; seed < 20 && found.empty(); ++seed)
    found = mistake_of<ArrivesTwice<true>>({}, {seed});
  expect(found.find("reaches barrier 7 twice before 96 threads have") != std::string::npos, found);
  expect_clean<ArrivesTwice<false>>({});
}

/// Lanes 3 and 5 of warp 1 leave before the shuffle.
template <bool kBug>
struct ShuffleWithout : KernelShape<None, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    int const t = thread_index();
    if (kBug && (t == 35 || t == 37)) return;
    (void)shuffle_xor(t, 1);
  }
};

TEST(emulator_names_the_lanes_that_miss_a_collective) {
  expect_mistake<ShuffleWithout<true>>({}, {"shuffle_xor", "warp 1", "thread 3"});
  expect_clean<ShuffleWithout<false>>({});
}

/// Lane 9 comes to another vote than its warp.
template <bool kBug>
struct OtherVote : KernelShape<None, 32> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    if (kBug && lane_index() == 9) {
      (void)any_lane(true);
    } else {
      (void)ballot(true);
    }
  }
};

TEST(emulator_finds_lanes_at_different_collectives) {
  expect_mistake<OtherVote<true>>(
      {}, {"comes to", "while its warp 0 is at", "any_lane", "ballot", "missing"});
  expect_clean<OtherVote<false>>({});
}

template <bool kBug>
struct OtherMask : KernelShape<None, 32> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    (void)shuffle_xor(1, kBug && lane_index() == 30 ? 16 : 8);
  }
};

TEST(emulator_finds_lanes_that_disagree_about_a_shuffle) {
  expect_mistake<OtherMask<true>>({}, {"comes to shuffle_xor of warp 0 with", "others came with"});
  expect_clean<OtherMask<false>>({});
}

/// Lane 0 waits for its warp at a barrier, the others for it at a vote.
template <bool kBug>
struct Crossed : KernelShape<None, 32> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    if (!kBug || lane_index() != 0) (void)ballot(true);
    sync_block();
    if (kBug && lane_index() == 0) (void)ballot(true);
  }
};

TEST(emulator_names_lanes_that_wait_elsewhere) {
  expect_mistake<Crossed<true>>(
      {}, {"threads 0 wait at barrier 0", "threads 1-31 wait at ballot of warp 0",
           "where threads 0 are missing"});
  expect_clean<Crossed<false>>({});
}

struct ShuffleFrom : KernelShape<None, 32> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) { (void)shuffle(1, 32); }
};

TEST(emulator_finds_shuffles_from_lanes_that_do_not_exist) {
  expect_mistake<ShuffleFrom>({}, {"asks shuffle for lane 32"});
}

struct Flag {
  int32_t* flag;
};

/// Warp 1 waits for a flag that warp 0 sets, or does not.
template <bool kBug>
struct Spin : KernelShape<Flag, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    if (warp_index() == 0) {
      if (!kBug) atomic_exchange(p.flag, 1);
    } else {
      while (atomic_add(p.flag, 0) == 0) {
      }
    }
  }
};

TEST(emulator_finds_loops_that_wait_in_vain) {
  int32_t flag = 0;
  std::string const text = mistake_of<Spin<true>>({&flag}, {});
  expect(text.find("spins for what never happens") != std::string::npos, text);
  for_each_schedule([&](EmulationOptions const& options) {
    flag = 0;
    expect_equal(mistake_of<Spin<false>>({&flag}, options), "");
  });
}

}  // namespace
}  // namespace fattn::test
