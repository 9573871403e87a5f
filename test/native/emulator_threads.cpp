// Who a thread of the emulator is, and what its collectives and atomics answer.

#include <algorithm>
#include <numeric>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Output {
  uint32_t* data;
};

struct Identity : KernelShape<Output, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    auto const [x, y, z] = block_index();
    auto const grid = grid_size();
    auto const thread = static_cast<uint32_t>(thread_index());
    uint32_t const block = (z * grid.y + y) * grid.x + x;
    bool const same = lane_index() == thread_index() % 32 && warp_index() == thread_index() / 32;
    p.data[block * 64 + thread] += same ? block * 64 + thread : 0;
  }
};

TEST(emulator_runs_every_thread_of_every_block_once) {
  for (int host_threads : {1, 3}) {
    std::vector<uint32_t> seen(2 * 3 * 4 * 64), expected(seen.size());
    std::iota(expected.begin(), expected.end(), 0u);
    emulate<Identity>({seen.data()}, {5, Landing::kLate, host_threads}, {2, 3, 4});
    expect(seen == expected);
  }
}

struct Shuffles : KernelShape<Output, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    auto const me = static_cast<uint32_t>(thread_index());
    uint32_t* const mine = p.data + me * 4;
    mine[0] = shuffle_xor(me, 5);
    mine[1] = shuffle(me, (lane_index() * 7 + 3) % 32);
    mine[2] = shuffle_up(me, 3);
    mine[3] = shuffle_down(me, 30);
  }
};

TEST(emulator_shuffles_within_the_warp) {
  for_each_schedule([](EmulationOptions const& options) {
    std::vector<uint32_t> out(64 * 4);
    emulate<Shuffles>({out.data()}, options);
    for (uint32_t t = 0; t < 64; ++t) {
      uint32_t const lane = t % 32, base = t - lane;
      expect_equal(out[t * 4], base + (lane ^ 5));
      expect_equal(out[t * 4 + 1], base + (lane * 7 + 3) % 32);
      expect_equal(out[t * 4 + 2], lane < 3 ? t : t - 3);
      expect_equal(out[t * 4 + 3], lane < 2 ? t + 30 : t);
    }
  });
}

struct Votes : KernelShape<Output, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const lane = lane_index();
    uint32_t* const mine = p.data + lane * 8;
    mine[0] = any_lane(lane == 13);
    mine[1] = any_lane(lane == 32);
    mine[2] = all_lanes(lane < 32);
    mine[3] = all_lanes(lane != 13);
    mine[4] = ballot(lane % 3 == 0);
    mine[5] = reduce_or(1u << lane % 8);
    mine[6] = static_cast<uint32_t>(reduce_add(lane - 40));
    mine[7] = static_cast<uint32_t>(reduce_max(lane == 9 ? -1 : -lane - 2));
  }
};

TEST(emulator_votes_and_reductions_are_of_the_warp) {
  std::vector<uint32_t> out(32 * 8);
  emulate<Votes>({out.data()});
  uint32_t thirds = 0;
  for (int lane = 0; lane < 32; lane += 3) thirds |= 1u << lane;
  std::vector<uint32_t> const expected{1,
                                       0,
                                       1,
                                       0,
                                       thirds,
                                       0xff,
                                       static_cast<uint32_t>(31 * 16 - 40 * 32),
                                       static_cast<uint32_t>(-1)};
  for (int lane = 0; lane < 32; ++lane)
    expect(std::equal(expected.begin(), expected.end(), out.begin() + lane * 8));
}

struct Counters {
  int32_t* sum;
  float* total;
  int32_t *least, *most, *last, *winner;
};

struct Atomics : KernelShape<Counters, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const thread = static_cast<int>(block_index().x) * 64 + thread_index();
    atomic_add(p.sum, thread);
    atomic_add(p.total, 0.5f);
    atomic_min(p.least, -thread);
    atomic_max(p.most, thread);
    atomic_exchange(p.last, thread);
    atomic_compare_exchange(p.winner, -1, thread);
    fence_device();
  }
};

TEST(emulator_atomics_lose_nothing_between_blocks) {
  int32_t sum = 0, least = 0, most = 0, last = -1, winner = -1;
  float total = 0;
  emulate<Atomics>({&sum, &total, &least, &most, &last, &winner}, {1, Landing::kLate, 2},
                   {10, 1, 1});
  expect_equal(sum, 640 * 639 / 2);
  expect_equal(total, 320.0f);
  expect_equal(least, -639);
  expect_equal(most, 639);
  expect(last >= 0 && last < 640 && winner >= 0 && winner < 640);
}

struct Order : KernelShape<Output, 96> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    auto* const count = reinterpret_cast<int32_t*>(p.data);
    p.data[1 + atomic_add(count, 1)] = static_cast<uint32_t>(thread_index());
  }
};

std::vector<uint32_t> order_of_threads(uint64_t seed) {
  std::vector<uint32_t> order(1 + 96);
  emulate<Order>({order.data()}, {seed});
  return order;
}

TEST(emulator_seed_decides_the_order_of_threads) {
  std::vector<std::vector<uint32_t>> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    orders.push_back(order_of_threads(seed));
    expect(orders.back() == order_of_threads(seed), "the same seed gives the same order");
  }
  std::sort(orders.begin(), orders.end());
  expect(std::unique(orders.begin(), orders.end()) == orders.end(), "seeds give different orders");
}

struct BlockOrder : KernelShape<Output, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    auto* const count = reinterpret_cast<int32_t*>(p.data);
    if (thread_index() == 0) p.data[1 + atomic_add(count, 1)] = block_index().x;
  }
};

TEST(emulator_seed_decides_the_order_of_blocks) {
  std::vector<std::vector<uint32_t>> orders;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    orders.emplace_back(1 + 12);
    emulate<BlockOrder>({orders.back().data()}, {seed}, {12, 1, 1});
  }
  std::sort(orders.begin(), orders.end());
  expect(std::unique(orders.begin(), orders.end()) == orders.end());
}

}  // namespace
}  // namespace fattn::test
