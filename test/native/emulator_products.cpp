// Products of warpgroups on the emulator: each mistake with fences, waits, accumulators,
// descriptors and registers. That the products themselves are right, test/simt/ says.

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct None {};

enum class Bug {
  kNone,
  kReadBeforeWait,
  kUnnamed,
  kNamedTooEarly,
  kWriteBeforeWait,
  kNoFence,
  kFenceBeforeWrite,
  kNoProxyFence,
  kNoSync,
  kOverwritesFactor,
  kNoCommit,
  kNoWait,
  kNoWaitInScope,
  kFragmentUnfenced,
  kFragmentChanged,
  kDescriptorsDiffer,
  kMisaligned,
  kOverTheRow,
  kNoSwizzle,
  kNoPanelDistance,
  kHalfWarpgroup,
  kOutside,
};

constexpr int kA = 1024, kB = 1024 + 64 * 128, kColumns = 128;

/// a is all 1, b all 2, over k = 64: sums are 128. Then once more with a in registers.
template <Bug kBug>
struct Multiply : KernelShape<None, 256, kB + kColumns * 128> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    fill(memory.at<uint32_t>(kA), 64 * 32, 0x3f803f80);
    fill(memory.at<uint32_t>(kB), kColumns * 32, 0x40004000);
    if (kBug != Bug::kNoProxyFence) fence_async_proxy();
    if (kBug != Bug::kNoSync) sync_block();
    if (kBug == Bug::kHalfWarpgroup ? warp_index() >= 2 : warp_index() >= 4) return;
    multiply(memory);
  }

  FATTN_DEVICE static void fill(Shared<uint32_t> words, int count, uint32_t value) {
    for (int i = thread_index(); i < count; i += kThreads) words.store(i, value);
  }

  FATTN_DEVICE static MatrixDescriptor factor(SharedMemory memory, int offset) {
    bool const differs = kBug == Bug::kDescriptorsDiffer && thread_index() == 77;
    int const shift = kBug == Bug::kMisaligned   ? 128
                      : kBug == Bug::kOverTheRow ? 112
                      : differs                  ? 32
                                                 : 0;
    int const panels = kBug == Bug::kOutside ? 1 << 16 : 0;
    auto descriptor =
        describe_matrix(memory.at<Quad>(offset + shift + panels), TileSwizzle::k128, 0);
    if (kBug == Bug::kNoSwizzle) descriptor.bits &= ~(uint64_t{3} << 62);
    return descriptor;
  }

  FATTN_DEVICE static void multiply(SharedMemory memory) {
    auto const a = factor(memory, kA), b = factor(memory, kB);
    WgmmaAccumulator<kColumns> sums;
    if (kBug == Bug::kFenceBeforeWrite) sums.set(3, 0);
    if (kBug != Bug::kNoFence) wgmma_fence(sums);
    if (kBug == Bug::kFenceBeforeWrite) sums.set(3, 0);
    for (int k = 0; k < 4; ++k)
      wgmma<BF16, Major::kK, Major::kK>(sums, a + 32 * k, b + 32 * k, k > 0);
    if (kBug == Bug::kNoPanelDistance) wgmma<BF16, Major::kK, Major::kMN>(sums, a, b, true);
    if (kBug != Bug::kNoCommit) wgmma_commit();
    if (kBug == Bug::kNoWaitInScope || kBug == Bug::kNoCommit) return;
    if (kBug == Bug::kReadBeforeWait) sums.get(5);
    if (kBug == Bug::kWriteBeforeWait) sums.set(5, 1);
    if (kBug == Bug::kOverwritesFactor) memory.at<uint32_t>(kB).store(thread_index(), 0);
    if (kBug == Bug::kNamedTooEarly) wgmma_wait<1>(sums);
    if (kBug == Bug::kUnnamed) wgmma_wait<0>();
    if (kBug != Bug::kUnnamed) wgmma_wait<0>(sums);
    check(sums, 128);
    multiply_registers(sums, b);
  }

  FATTN_DEVICE static void multiply_registers(WgmmaAccumulator<kColumns>& sums,
                                              MatrixDescriptor b) {
    Fragment ones{{0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80}};
    if (kBug == Bug::kFragmentUnfenced) wgmma_fence(sums);
    if (kBug != Bug::kFragmentUnfenced) wgmma_fence(sums, ones);
    if (kBug == Bug::kFragmentChanged && thread_index() == 100) ones.word[2] = 0;
    wgmma<BF16, Major::kK>(sums, ones, b, true);
    wgmma_commit();
    wgmma_wait<0>(sums);
    check(sums, 160);
  }

  FATTN_DEVICE static void check(WgmmaAccumulator<kColumns> const& sums, float expected) {
    for (int i = 0; i < sums.kElements; ++i)
      if (sums.get(i) != expected) host::block().fail("wrong sum " + std::to_string(sums.get(i)));
  }
};

TEST(emulator_multiplies_for_warpgroups) { expect_clean<Multiply<Bug::kNone>>({}); }

TEST(emulator_finds_accumulators_used_before_their_wait) {
  expect_mistake<Multiply<Bug::kReadBeforeWait>>(
      {}, {"reads element 5 of an accumulator before the wgmma_wait that names it"});
  expect_mistake<Multiply<Bug::kWriteBeforeWait>>(
      {}, {"writes element 5 of an accumulator before the wgmma_wait that names it"});
  expect_mistake<Multiply<Bug::kUnnamed>>({}, {"reads element 0 of an accumulator before"});
  expect_mistake<Multiply<Bug::kNamedTooEarly>>(
      {}, {"names an accumulator in wgmma_wait<1> that has products in a later group"});
  expect_mistake<Multiply<Bug::kNoWaitInScope>>({}, {"leaves an accumulator behind"});
  expect_mistake<Multiply<Bug::kNoCommit>>({}, {"leaves an accumulator behind"});
}

TEST(emulator_finds_missing_wgmma_fences) {
  std::string_view const text = "sums into an accumulator that it has touched, or made, since";
  expect_mistake<Multiply<Bug::kNoFence>>({}, {text});
  expect_mistake<Multiply<Bug::kFenceBeforeWrite>>({}, {text});
  expect_mistake<Multiply<Bug::kFragmentUnfenced>>({},
                                                   {"a fragment that no wgmma_fence has named"});
  expect_mistake<Multiply<Bug::kFragmentChanged>>(
      {}, {"thread 100 (warp 3, lane 4): multiplies a fragment that it has changed"});
}

TEST(emulator_finds_factors_that_are_not_there_for_wgmma) {
  expect_mistake<Multiply<Bug::kNoProxyFence>>(
      {}, {"wgmma of 16 bytes at offset", "through the async proxy follows the store by thread",
           "with no proxy fence between"});
  expect_mistake<Multiply<Bug::kNoSync>>({}, {"wgmma of 16 bytes at offset"});
  expect_mistake<Multiply<Bug::kOverwritesFactor>>(
      {}, {"store of 4 bytes at offset", "races with the wgmma by the products of warpgroup 0",
           "wgmma_wait for its group would"});
}

TEST(emulator_finds_wrong_descriptors) {
  expect_mistake<Multiply<Bug::kMisaligned>>(
      {}, {"the descriptor of a is wrong: its start address", "of a panel aligned to 1024 bytes"});
  expect_mistake<Multiply<Bug::kOverTheRow>>({}, {"16 columns run over the end of the row"});
  expect_mistake<Multiply<Bug::kNoSwizzle>>({}, {"swizzle is neither of 128 nor of 64"});
  expect_mistake<Multiply<Bug::kNoPanelDistance>>(
      {}, {"the descriptor of b is wrong: it spans panels"});
  expect_mistake<Multiply<Bug::kDescriptorsDiffer>>({}, {"thread 77", "other descriptors"});
  expect_mistake<Multiply<Bug::kOutside>>({}, {"wgmma of 16 bytes", "lies outside"});
}

TEST(emulator_finds_products_without_their_warpgroup) {
  expect_mistake<Multiply<Bug::kHalfWarpgroup>>({}, {"warpgroup 0"});
}

struct Unwaited : KernelShape<None, 128, kB + 1024> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    for (int i = thread_index(); i < kSharedBytes / 4; i += kThreads)
      memory.at<uint32_t>(0).store(i, 0);
    fence_async_proxy();
    sync_block();
    WgmmaAccumulator<8> first, second;
    auto const a = describe_matrix(memory.at<Quad>(kA), TileSwizzle::k128, 0);
    wgmma_fence(first, second);
    wgmma<F16, Major::kK, Major::kK>(first, a, a, false);
    wgmma_commit();
    wgmma<F16, Major::kK, Major::kK>(second, a, a, false);
    wgmma_commit();
    wgmma_wait<1>(first);
    if (first.get(1) != 0) host::block().fail("wrong sum");
    wgmma_wait<0>(second);
    if (second.get(1) != 0) host::block().fail("wrong sum");
  }
};

TEST(emulator_waits_for_the_older_products_first) { expect_clean<Unwaited>({}); }

enum class Registers { kFine, kTooMany, kHalf, kRaisesDown, kLowersUp };

/// The usual split of 384 threads, which begin with 168 registers each: 24 + 240 + 240 = 3 * 168.
template <Registers kCase>
struct Split : KernelShape<None, 384> {
  FATTN_DEVICE static void run(Params const&, SharedMemory) {
    int const warpgroup = warp_index() / 4;
    if (kCase == Registers::kRaisesDown && warpgroup == 0) raise_registers<160>();
    if (kCase == Registers::kLowersUp && warpgroup == 0) lower_registers<176>();
    if (kCase == Registers::kHalf && warp_index() == 3) return;
    if (warpgroup == 0)
      lower_registers<24>();
    else if (kCase == Registers::kTooMany)
      raise_registers<248>();
    else
      raise_registers<240>();
  }
};

TEST(emulator_moves_registers_between_warpgroups) { expect_clean<Split<Registers::kFine>>({}); }

TEST(emulator_finds_misuse_of_registers) {
  expect_mistake<Split<Registers::kTooMany>>(
      {}, {"no thread can continue", "wait at raise_registers<248> of warpgroup",
           "which needs 10240 more registers, of which 8192 are free"});
  expect_mistake<Split<Registers::kHalf>>({}, {"warpgroup 0", "lower_registers"});
  expect_mistake<Split<Registers::kRaisesDown>>({}, {"raise_registers<160> with 168 registers"});
  expect_mistake<Split<Registers::kLowersUp>>({}, {"lower_registers<176> with 168 registers"});
}

TEST(emulator_finds_registers_of_no_warpgroup) {
  struct Odd : KernelShape<None, 96> {
    FATTN_DEVICE static void run(Params const&, SharedMemory) { lower_registers<24>(); }
  };
  expect_mistake<Odd>({}, {"the 96 threads of the block give it no whole one"});
}

}  // namespace
}  // namespace fattn::test
