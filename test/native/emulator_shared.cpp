// Shared memory of the emulator: what it holds, and the mistakes that it finds. Each kernel stands
// with its bug and without.

#include <cmath>
#include <cstring>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Values {
  float* data;
};
struct None {};

struct Reverse : KernelShape<Values, 256, 1024> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const values = memory.at<float>(0);
    int const t = thread_index();
    values.store(t, p.data[t]);
    sync_block();
    p.data[t] = values.load(255 - t);
  }
};

TEST(emulator_shared_memory_carries_values_over_a_barrier) {
  for_each_schedule([](EmulationOptions const& options) {
    std::vector<float> data(256);
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
    emulate<Reverse>({data.data()}, options);
    for (size_t i = 0; i < data.size(); ++i) expect_equal(data[i], static_cast<float>(255 - i));
  });
}

struct Untouched : KernelShape<Values, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() > 0) return;
    std::memcpy(p.data, host::block().memory().bytes_at(0), 64);
    p.data[16] = static_cast<float>(memory.address);
  }
};

TEST(emulator_shared_memory_starts_as_nan_in_every_type) {
  float data[17];
  emulate<Untouched>({data});
  uint16_t halves[32];
  std::memcpy(halves, data, sizeof halves);
  for (int i = 0; i < 16; ++i) expect(std::isnan(data[i]));
  for (uint16_t const half : halves)
    expect(std::isnan(f32_from_f16(half)) && std::isnan(f32_from_bf16(half)));
  expect(data[16] > 0 && std::fmod(data[16], 1024) == 0, "the address is aligned to 1024 bytes");
}

/// Thread 5 accesses 4 bytes at kOffset of 100 bytes.
template <int kOffset, bool kStores>
struct AccessAt : KernelShape<None, 32, 100> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    if (thread_index() != 5) return;
    if (kStores) memory.at<uint32_t>(kOffset).store(0, 1);
    if (!kStores) (void)memory.at<uint32_t>(kOffset).load();
  }
};

TEST(emulator_finds_accesses_outside_of_shared_memory) {
  expect_mistake<AccessAt<100, true>>(
      {}, {"kernel test, block (0, 0, 0), thread 5 (warp 0, lane 5)",
           "store of 4 bytes at offset 100", "outside the 100 bytes of shared memory"});
  expect_mistake<AccessAt<-4, false>>({},
                                      {"load of 4 bytes at offset -4", "outside the 100 bytes"});
  expect_mistake<AccessAt<98, true>>({}, {"store of 4 bytes at offset 98", "outside"});
  expect_clean<AccessAt<96, true>>({});
}

TEST(emulator_finds_misaligned_accesses) {
  expect_mistake<AccessAt<42, true>>({},
                                     {"store of 4 bytes at offset 42", "not aligned to 4 bytes"});
}

TEST(emulator_finds_reads_of_what_nobody_has_written) {
  expect_mistake<AccessAt<40, false>>(
      {}, {"thread 5", "load of 4 bytes at offset 40", "reads what nobody has written", "seed"});
}

/// Writes the lower half of a word, or all of it, and reads the word.
template <bool kBug>
struct HalfWritten : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    if (thread_index() != 0) return;
    memory.at<uint16_t>(8).store(0, 1);
    if (!kBug) memory.at<uint16_t>(8).store(1, 1);
    (void)memory.at<uint32_t>(8).load();
  }
};

TEST(emulator_knows_each_byte_that_was_written) {
  expect_mistake<HalfWritten<true>>({}, {"load of 4 bytes at offset 8", "nobody has written"});
  expect_clean<HalfWritten<false>>({});
}

/// Neighbours write bytes, then words of them are written whole and read in halves.
struct Sizes : KernelShape<None, 64, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    int const t = thread_index();
    memory.at<uint8_t>(0).store(t, static_cast<uint8_t>(t));
    sync_block();
    if (t < 4) memory.at<Quad>(0).store(t, memory.at<Quad>(0).load(t));
    sync_block();
    uint16_t const both = memory.at<uint16_t>(0).load(t / 2);
    if (both != (t / 2 * 2) + (t / 2 * 2 + 1) * 256) host::block().fail("wrong value");
  }
};

TEST(emulator_shared_accesses_of_all_sizes_mix) { expect_clean<Sizes>({}); }

enum class Between { kNothing, kShuffle, kSyncWarp, kSyncBlock, kNamed };

template <Between kBetween>
FATTN_DEVICE void pass() {
  if (kBetween == Between::kShuffle) (void)shuffle_xor(1.0f, 1);
  if (kBetween == Between::kSyncWarp) sync_warp();
  if (kBetween == Between::kSyncBlock) sync_block();
  if (kBetween == Between::kNamed) sync_barrier<3>(64);
}

/// Threads kFirst and kSecond touch a word, one after the other at best.
template <int kFirst, int kSecond, bool kFirstWrites, bool kSecondWrites, Between kBetween>
struct Conflict : KernelShape<None, 64, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const word = memory.at<int>(16);
    int const t = thread_index();
    if (t == 0) word.store(0, 1);
    sync_block();
    if (t == kFirst) touch(word, kFirstWrites);
    pass<kBetween>();
    if (t == kSecond) touch(word, kSecondWrites);
  }
  FATTN_DEVICE static void touch(Shared<int> word, bool writes) {
    if (writes) word.store(0, 2);
    if (!writes) (void)word.load();
  }
};

template <int kFirst, int kSecond, bool kFirstWrites, bool kSecondWrites, Between kBetween>
void expect_race(Where where = Where::current()) {
  expect_mistake<Conflict<kFirst, kSecond, kFirstWrites, kSecondWrites, kBetween>>(
      {}, {"at offset 16", "races with the", "by thread", "nothing orders the two"}, where);
}

TEST(emulator_finds_races_between_warps) {
  expect_race<3, 40, true, true, Between::kNothing>();
  expect_race<3, 40, true, false, Between::kNothing>();
  expect_race<3, 40, false, true, Between::kNothing>();
  expect_race<3, 40, false, true, Between::kSyncWarp>();
  expect_clean<Conflict<3, 40, false, false, Between::kNothing>>({});
  expect_clean<Conflict<3, 40, true, true, Between::kSyncBlock>>({});
  expect_clean<Conflict<3, 40, true, false, Between::kNamed>>({});
  expect_clean<Conflict<3, 40, false, true, Between::kSyncBlock>>({});
}

TEST(emulator_finds_races_within_a_warp_that_shuffles_only) {
  expect_race<3, 4, true, false, Between::kNothing>();
  expect_race<3, 4, true, false, Between::kShuffle>();
  expect_race<3, 4, false, true, Between::kShuffle>();
  expect_clean<Conflict<3, 4, true, false, Between::kSyncWarp>>({});
  expect_clean<Conflict<3, 4, false, true, Between::kSyncWarp>>({});
}

TEST(emulator_names_both_sides_of_a_race) {
  expect_mistake<Conflict<3, 4, true, false, Between::kShuffle>>(
      {}, {"thread 4 (warp 0, lane 4): load of 4 bytes at offset 16 of shared memory races with "
           "the store by thread 3 (warp 0, lane 3)"});
  expect_mistake<Conflict<3, 4, false, true, Between::kShuffle>>(
      {}, {"thread 4 (warp 0, lane 4): store of 4 bytes at offset 16 of shared memory races with "
           "the load by thread 3 (warp 0, lane 3)"});
}

/// All threads read one word; then thread 9 overwrites it, after a barrier or after its warp only.
template <bool kBug>
struct Broadcast : KernelShape<None, 64, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const word = memory.at<int>(0);
    for (int round = 0; round < 3; ++round) {
      if (thread_index() == 9) word.store(0, round);
      sync_block();
      if (word.load() != round) host::block().fail("wrong value");
      if (kBug && round == 1) sync_warp();
      if (!kBug || round != 1) sync_block();
    }
  }
};

TEST(emulator_remembers_every_reader_of_a_word) {
  expect_mistake<Broadcast<true>>({}, {"races with the", "offset 0"});
  expect_clean<Broadcast<false>>({});
}

}  // namespace
}  // namespace fattn::test
