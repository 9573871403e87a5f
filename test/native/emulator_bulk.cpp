// Bulk copies on the emulator: what they move and when, and each mistake with them.

#include <array>
#include <numeric>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

constexpr int kColumns = 64, kRows = 16;  // of the box: 128 bytes by 16
constexpr int kTile = 1024, kTileBytes = kColumns * kRows * 2;
constexpr int kTensorRows = 40;

struct Params {
  TensorMap map;
  uint16_t* copied;
};

struct Tensor {
  std::array<uint16_t, kColumns * kTensorRows> elements;
  Params params;

  explicit Tensor(TileSwizzle swizzle = TileSwizzle::k128) {
    std::iota(elements.begin(), elements.end(), uint16_t{0});
    params.map = host::encode_tensor_map(description(swizzle));
    params.copied = elements.data();
  }
  TileDescription description(TileSwizzle swizzle = TileSwizzle::k128) {
    return {elements.data(),         TileType::kF16,    swizzle,          2,
            {kColumns, kTensorRows}, {0, 2 * kColumns}, {kColumns, kRows}};
  }
};

enum class Bug {
  kNone,
  kNoWait,
  kNoFenceInit,
  kTooFewBytes,
  kTooManyBytes,
  kNoExpect,
  kMisplaced,
  kMapElsewhere,
  kWrongRank,
  kNeverWaited,
  kNoFenceBeforeReload,
  kNoOrderBeforeReload,
};

/// Thread 0 loads two tiles, one after the other, into one stage; warp 1 reads them.
template <Bug kBug>
struct Loads : KernelShape<Params, 64, 8192> {
  FATTN_DEVICE static void run(Params const& params, SharedMemory memory) {
    auto const full = memory.at<MBarrier>(0), empty = memory.at<MBarrier>(8);
    auto const stage = memory.at<Quad>(kBug == Bug::kMisplaced ? kTile + 512 : kTile);
    if (thread_index() == 0) {
      mbarrier_init(full, 1);
      mbarrier_init(empty, 32);
      if (kBug != Bug::kNoFenceInit) mbarrier_fence_init();
    }
    sync_block();
    if (thread_index() == 0) produce(params, stage, full, empty);
    if (warp_index() == 1 && kBug != Bug::kNeverWaited) consume(stage, full, empty);
  }

  FATTN_DEVICE static void produce(Params const& params, Shared<Quad> stage, Shared<MBarrier> full,
                                   Shared<MBarrier> empty) {
    TensorMap const copy = params.map;
    auto const& map = kBug == Bug::kMapElsewhere ? copy : params.map;
    int const bytes = kBug == Bug::kTooFewBytes    ? kTileBytes - 128
                      : kBug == Bug::kTooManyBytes ? kTileBytes + 16
                                                   : kTileBytes;
    prefetch_tensor_map(map);
    for (int round = 0; round < (kBug == Bug::kNeverWaited ? 1 : 2); ++round) {
      if (kBug != Bug::kNoOrderBeforeReload) mbarrier_wait(empty, (round & 1) ^ 1);
      if (kBug == Bug::kNoExpect) mbarrier_arrive(full);
      if (kBug != Bug::kNoExpect) mbarrier_arrive_expect(full, bytes);
      if (kBug == Bug::kWrongRank) load_tile(stage, map, {0, 16 * round, 0}, full);
      if (kBug != Bug::kWrongRank) load_tile(stage, map, {0, 16 * round}, full);
    }
  }

  FATTN_DEVICE static void consume(Shared<Quad> stage, Shared<MBarrier> full,
                                   Shared<MBarrier> empty) {
    int const row = lane_index() % kRows, column = 40 + lane_index() / kRows * 8;
    for (int round = 0; round < 2; ++round) {
      if (kBug != Bug::kNoWait) mbarrier_wait(full, round & 1);
      auto const word = stage.as<uint16_t>().load(row * kColumns + (column ^ row % 8 * 8));
      if (word != (round * kRows + row) * kColumns + column) host::block().fail("wrong element");
      if (kBug != Bug::kNoFenceBeforeReload) fence_async_proxy();
      mbarrier_arrive(empty);
    }
  }
};

TEST(emulator_bulk_loads_bring_tiles_to_those_who_wait) {
  expect_clean<Loads<Bug::kNone>>(Tensor().params);
}

TEST(emulator_finds_stages_read_before_their_wait) {
  Tensor const tensor;
  Params const& params = tensor.params;
  bool unfinished = false, raced = false;
  for_each_schedule([&](EmulationOptions const& options) {
    auto const text = mistake_of<Loads<Bug::kNoWait>>(params, options);
    expect(!text.empty(), "the mistake was not found");
    unfinished |= text.find("a stage whose bulk load has not been waited for") != std::string::npos;
    raced |= text.find("nothing orders the two, mbarrier_wait for") != std::string::npos;
  });
  expect(unfinished && raced, "each landing tells of it in its way");
}

TEST(emulator_finds_wrong_transaction_counts) {
  Tensor const tensor;
  Params const& params = tensor.params;
  expect_mistake<Loads<Bug::kTooFewBytes>>(
      params, {"mbarrier at offset 0: 128 bytes more have come in phase 0 than it expected"});
  expect_mistake<Loads<Bug::kTooManyBytes>>(
      params, {"no thread can continue", "mbarrier at offset 0",
               "in phase 0 (parity 0): 0 of 1 arrivals and 16 bytes are pending"});
  // The phase ends at the arrival, before its bytes come: what is seen first depends on the order.
  for_each_schedule([&](EmulationOptions const& options) {
    expect(!mistake_of<Loads<Bug::kNoExpect>>(params, options).empty(), "not found");
  });
}

TEST(emulator_finds_misuse_of_bulk_loads) {
  Tensor const tensor;
  Params const& params = tensor.params;
  expect_mistake<Loads<Bug::kNoFenceInit>>(
      params, {"thread 0", "mbarrier_init was not followed by mbarrier_fence_init"});
  expect_mistake<Loads<Bug::kMisplaced>>(
      params, {"bulk load of 2048 bytes at offset 1536 of shared memory is not aligned to 1024"});
  expect_mistake<Loads<Bug::kMapElsewhere>>(params,
                                            {"does not lie in the parameters of the kernel"});
  expect_mistake<Loads<Bug::kWrongRank>>(params, {"names 3 coordinates in a tensor of 2 axes"});
  expect_mistake<Loads<Bug::kMapElsewhere>>({}, {"tensor map"});
  expect_mistake<Loads<Bug::kNone>>({}, {"a tensor map that was never encoded"});
  expect_mistake<Loads<Bug::kNeverWaited>>(params, {"all threads have ended"});
}

TEST(emulator_finds_stages_reloaded_too_early) {
  Tensor const tensor;
  Params const& params = tensor.params;
  expect_mistake<Loads<Bug::kNoFenceBeforeReload>>(
      params, {"bulk load of 16 bytes at offset", "follows the load by thread",
               "with no proxy fence between"});
  for_each_schedule([&](EmulationOptions const& options) {
    expect(!mistake_of<Loads<Bug::kNoOrderBeforeReload>>(params, options).empty(), "not found");
  });
}

enum class Leak { kNone, kNoFence, kNoSync, kNoWaitRead, kNoWaitAtEnd, kNoCommit, kUnwritten };

/// The block fills a tile, thread 0 stores it; then it is filled and stored again.
template <Leak kLeak>
struct Stores : KernelShape<Params, 64, 4096> {
  FATTN_DEVICE static void run(Params const& params, SharedMemory memory) {
    auto const tile = memory.at<Quad>(kTile);
    for (int round = 0; round < 2; ++round) {
      for (int i = thread_index(); i < kTileBytes / 16; i += kThreads)
        if (kLeak != Leak::kUnwritten || i != 3)
          tile.store(i, Quad{{static_cast<uint32_t>(round), 7, 7, static_cast<uint32_t>(i)}});
      if (kLeak != Leak::kNoFence) fence_async_proxy();
      if (kLeak != Leak::kNoSync) sync_block();
      if (thread_index() == 0) {
        store_tile(params.map, {0, 16 * round}, tile);
        if (kLeak != Leak::kNoCommit) commit_bulk();
        if (kLeak != Leak::kNoWaitRead && (kLeak != Leak::kNoWaitAtEnd || round == 0))
          wait_bulk_read<0>();
      }
      sync_block();
    }
  }
};

TEST(emulator_bulk_stores_take_tiles_away) {
  for_each_schedule([&](EmulationOptions const& options) {
    Tensor tensor;
    emulate<Stores<Leak::kNone>>(tensor.params, options);
    // Row 3, columns 16-23: the unit at 2 xor 3 of its row, so number 3 * 8 + 1.
    expect_equal(tensor.elements[3 * kColumns + 16 + 6], 25, "swizzled");
    expect_equal(tensor.elements[(16 + 3) * kColumns + 16], 1, "the second tile");
    expect_equal(tensor.elements[32 * kColumns], 32 * kColumns, "beyond the tiles");
  });
}

TEST(emulator_finds_misuse_of_bulk_stores) {
  Tensor tensor;
  Params const& params = tensor.params;
  expect_mistake<Stores<Leak::kNoFence>>(
      params, {"bulk store of 16 bytes at offset", "through the async proxy follows the store by",
               "with no proxy fence between"});
  for_each_schedule([&](EmulationOptions const& options) {
    expect(!mistake_of<Stores<Leak::kNoSync>>(params, options).empty(), "no barrier: not found");
  });
  expect_mistake<Stores<Leak::kNoWaitRead>>(
      params, {"store of 16 bytes at offset",
               "races with the bulk store by the bulk stores of "
               "thread 0: nothing orders the two, wait_bulk_read for its group would"});
  expect_mistake<Stores<Leak::kNoWaitAtEnd>>(
      params, {"thread 0", "ends without having waited for its bulk stores to read"});
  expect_mistake<Stores<Leak::kNoCommit>>(params, {"offset"});
  expect_mistake<Stores<Leak::kUnwritten>>(params, {"reads what nobody has written"});
}

struct RowParams {
  float* target;
  int bytes;
};

/// Adds 64 floats, then leaves without a commit where that is asked for.
template <bool kCommits>
struct Adds : KernelShape<RowParams, 32, 256> {
  FATTN_DEVICE static void run(Params const& params, SharedMemory memory) {
    for (int i = thread_index(); i < 64; i += 32)
      memory.at<float>(0).store(i, static_cast<float>(i));
    fence_async_proxy();
    sync_warp();
    if (!elect_one()) return;
    add_bulk(params.target, memory.at<Quad>(0), params.bytes);
    if (kCommits) commit_bulk();
    wait_bulk<0>();
  }
};

TEST(emulator_bulk_additions_add_once_per_block) {
  for_each_schedule([&](EmulationOptions options) {
    options.host_threads = 2;
    alignas(16) std::array<float, 64> target{};
    emulate<Adds<true>>({target.data(), 256}, options, {5, 1, 1});
    for (int i = 0; i < 64; ++i) expect_equal(target[static_cast<size_t>(i)], 5.0f * i);
  });
  alignas(16) std::array<float, 64> target{};
  expect_mistake<Adds<false>>({target.data(), 256}, {"without having committed"});
  expect_mistake<Adds<true>>({target.data(), 24}, {"of 24 bytes, expected a multiple of 16"});
  expect_mistake<Adds<true>>({target.data() + 1, 32}, {"is not aligned to 16"});
}

TEST(tensor_maps_are_checked) {
  Tensor tensor;
  auto const expect_refused = [&](auto change, std::string const& part) {
    auto description = tensor.description();
    change(description);
    char const* const mistake = mistake_in(description);
    expect(mistake && std::string(mistake).find(part) != std::string::npos, part);
  };
  expect(mistake_in(tensor.description()) == nullptr);
  expect_refused([](auto& d) { d.base = static_cast<char*>(d.base) + 8; }, "aligned to 16");
  expect_refused([](auto& d) { d.rank = 5; }, "rank");
  expect_refused([](auto& d) { d.extents[1] = 0; }, "extent");
  expect_refused([](auto& d) { d.box[1] = 257; }, "256");
  expect_refused([](auto& d) { d.strides[1] = 136; }, "multiple of 16");
  expect_refused([](auto& d) { d.strides[1] = int64_t{1} << 40; }, "2^40");
  expect_refused([](auto& d) { d.box[0] = 32; }, "as long as the swizzle");
  expect_refused([](auto& d) { d.swizzle = TileSwizzle::kNone, d.box[0] = 20; }, "multiple of 16");
}

}  // namespace
}  // namespace fattn::test
