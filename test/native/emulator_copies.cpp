// cp.async on the emulator: when copies land, and what may not be done before they have.

#include <array>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Source {
  float* data;
  float* out;
};
using Stage = std::array<float, 4>;  // what one thread copies

FATTN_DEVICE Shared<Stage> stage_of(SharedMemory memory, int stage) {
  return memory.at<Stage>(stage * 64 * 16);
}
enum class Bug { kNone, kNoWait, kWaitsForTooFew, kNoBarrier, kOverwritesEarly, kNeverWaits };

/// A pipeline of two stages: each thread adds up what its neighbour copied, eight times.
template <Bug kBug>
struct Pipeline : KernelShape<Source, 64, 2 * 64 * 16> {
  static constexpr int kSteps = 8;

  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    copy(p, memory, 0);
    float total = 0;
    for (int step = 0; step < kSteps; ++step) {
      copy(p, memory, step + 1);
      if (kBug == Bug::kWaitsForTooFew && step == 3) wait_copies<2>();
      if (kBug != Bug::kNoWait || step != 3) wait_copies<1>();
      if (kBug != Bug::kNoBarrier || step != 3) sync_block();
      auto const sums = stage_of(memory, step % 2).load(thread_index() ^ 33);
      total += sums[0] + sums[1] + sums[2] + sums[3];
      if (kBug != Bug::kOverwritesEarly || step != 3) sync_block();
    }
    if (kBug != Bug::kNeverWaits) wait_copies<0>();
    p.out[thread_index()] = total;
  }
  FATTN_DEVICE static void copy(Params const& p, SharedMemory memory, int step) {
    int const t = thread_index();
    bool const valid = step < kSteps;
    copy_async_16((stage_of(memory, step % 2) + t).as<Quad>(),
                  valid ? p.data + step * 256 + t * 4 : nullptr, valid);
    commit_copies();
  }
};

struct PipelineData {
  std::vector<float> data = std::vector<float>(8 * 256);
  std::vector<float> out = std::vector<float>(64);
  PipelineData() {
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i % 97);
  }
  Source source() { return {data.data(), out.data()}; }
};

TEST(emulator_copies_arrive_through_a_pipeline) {
  for_each_schedule([](EmulationOptions const& options) {
    PipelineData data;
    emulate<Pipeline<Bug::kNone>>(data.source(), options);
    for (size_t t = 0; t < 64; ++t) {
      float expected = 0;
      for (size_t step = 0; step < 8; ++step)
        for (size_t i = 0; i < 4; ++i) expected += data.data[step * 256 + (t ^ 33) * 4 + i];
      expect_equal(data.out[t], expected);
    }
  });
}

TEST(emulator_finds_stages_that_are_read_before_they_are_waited_for) {
  PipelineData data;
  expect_mistake<Pipeline<Bug::kNoWait>>(
      data.source(),
      {"load of 16 bytes", "touches a stage whose cp.async group has not been waited for",
       "(issued by thread"});
}

TEST(emulator_finds_waits_without_a_barrier) {
  PipelineData data;
  expect_mistake<Pipeline<Bug::kNoBarrier>>(data.source(), {"load of 16 bytes at offset"});
}

TEST(emulator_finds_stages_that_are_overwritten_while_they_are_read) {
  PipelineData data;
  expect_mistake<Pipeline<Bug::kOverwritesEarly>>(data.source(),
                                                  {"16 bytes at offset", "by thread"});
}

TEST(emulator_finds_copies_that_nobody_waits_for) {
  PipelineData data;
  expect_mistake<Pipeline<Bug::kNeverWaits>>(data.source(),
                                             {"ends without having waited for 1 of its cp.async"});
}

/// Thread 0 copies and reads the bytes itself.
template <Bug kBug>
struct OwnCopy : KernelShape<Source, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    copy_async_small<4>(memory.address, p.data, true);
    copy_async_small<8>(memory.address + 8, p.data + 2, true);
    commit_copies();
    copy_async_small<4>(memory.address + 16, p.data + 4, true);
    commit_copies();
    if (kBug == Bug::kWaitsForTooFew) wait_copies<2>();
    if (kBug != Bug::kWaitsForTooFew) wait_copies<1>();
    p.out[0] = memory.at<float>(0).load(0);
    p.out[1] = memory.at<float>(0).load(3);
    if (kBug == Bug::kNoWait) memory.at<float>(0).store(4, 1);
    wait_copies<0>();
    p.out[2] = memory.at<float>(0).load(4);
  }
};

TEST(emulator_waits_cover_the_older_groups) {
  float data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[3];
  expect_clean<OwnCopy<Bug::kNone>>({data, out});
  expect(out[0] == 1 && out[1] == 4 && out[2] == 5);
  expect_mistake<OwnCopy<Bug::kWaitsForTooFew>>(
      {data, out}, {"thread 0", "load of 4 bytes at offset 0", "has not been waited for"});
  expect_mistake<OwnCopy<Bug::kNoWait>>(
      {data, out}, {"thread 0", "store of 4 bytes at offset 16", "has not been waited for"});
}

/// The neighbour reads what the copying thread has waited for, with a barrier between or without.
template <Bug kBug>
struct OtherReads : KernelShape<Source, 64, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() == 0) {
      copy_async_16(memory.at<Quad>(0), p.data, true);
      commit_copies();
      wait_copies<0>();
      atomic_exchange(reinterpret_cast<int32_t*>(p.out), 1);
    }
    if (kBug == Bug::kNone) sync_block();
    if (thread_index() == 40) {
      while (atomic_add(reinterpret_cast<int32_t*>(p.out), 0) == 0) {
      }
      (void)memory.at<float>(0).load(1);
    }
  }
};

TEST(emulator_finds_copies_that_another_thread_reads_without_a_barrier) {
  alignas(16) float data[4] = {1, 2, 3, 4};
  for_each_schedule([&](EmulationOptions const& options) {
    float out = 0;
    std::string const text = mistake_of<OtherReads<Bug::kNoBarrier>>({data, &out}, options);
    expect(
        text.find("thread 40 (warp 1, lane 8): load of 4 bytes at offset 4 of shared memory races "
                  "with the cp.async by thread 0") != std::string::npos,
        text);
    out = 0;
    expect_equal(mistake_of<OtherReads<Bug::kNone>>({data, &out}, options), "");
  });
}

/// The source changes between the issue and the wait.
struct SourceChanges : KernelShape<Source, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    copy_async_16(memory.at<Quad>(0), p.data, true);
    commit_copies();
    p.data[0] = 2;
    wait_copies<0>();
    p.out[0] = memory.at<float>(0).load();
  }
};

TEST(emulator_copies_read_late_or_early) {
  for (auto const landing : {Landing::kLate, Landing::kEarly}) {
    alignas(16) float data[4] = {1, 1, 1, 1};
    float out = 0;
    emulate<SourceChanges>({data, &out}, {0, landing});
    expect_equal(out, landing == Landing::kLate ? 2.0f : 1.0f);
  }
}

struct Invalid : KernelShape<Source, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    memory.at<Quad>(0).store(0, Quad{{1, 2, 3, 4}});
    copy_async_16(memory.at<Quad>(0), p.data, false);
    commit_copies();
    wait_copies<0>();
    for (int i = 0; i < 4; ++i) p.out[i] = memory.at<float>(0).load(i);
  }
};

TEST(emulator_copies_that_are_not_valid_write_zeros) {
  alignas(16) float data[4] = {1, 1, 1, 1};
  float out[4] = {1, 1, 1, 1};
  expect_clean<Invalid>({data, out});
  for (float const value : out) expect_equal(value, 0.0f);
}

template <int kTarget, int kSource>
struct Misaligned : KernelShape<Source, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    copy_async_16(memory.at<Quad>(kTarget), p.data + kSource, true);
    commit_copies();
    wait_copies<0>();
  }
};

TEST(emulator_finds_misaligned_copies) {
  alignas(16) float data[8] = {};
  expect_mistake<Misaligned<8, 0>>({data, nullptr},
                                   {"cp.async of 16 bytes at offset 8", "not aligned"});
  expect_mistake<Misaligned<0, 2>>({data, nullptr}, {"its source is not aligned to 16 bytes"});
  expect_mistake<Misaligned<64, 0>>({data, nullptr},
                                    {"cp.async of 16 bytes at offset 64", "outside"});
  expect_clean<Misaligned<16, 4>>({data, nullptr});
}

/// A copy that is issued, but belongs to no group when the thread waits.
template <bool kBug>
struct Uncommitted : KernelShape<Source, 32, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    copy_async_16(memory.at<Quad>(0), p.data, true);
    if (!kBug) commit_copies();
    wait_copies<0>();
  }
};

TEST(emulator_finds_copies_that_are_not_committed) {
  alignas(16) float data[4] = {};
  expect_mistake<Uncommitted<true>>({data, nullptr},
                                    {"1 of its cp.async, some not even committed"});
  expect_clean<Uncommitted<false>>({data, nullptr});
}

}  // namespace
}  // namespace fattn::test
