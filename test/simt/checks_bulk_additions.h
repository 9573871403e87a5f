// Bulk additions, and rows that are copied without a map.
#pragma once

#include <cstdint>
#include <cstring>

#include "checks_bulk.h"

namespace fattn::conformance {

/// `value`, a whole number small enough for all three types, as an element of one.
inline uint32_t element_bits(TileType type, int value) {
  auto const as_float = std::bit_cast<uint32_t>(static_cast<float>(value));
  if (type == TileType::kF32) return as_float;
  if (type == TileType::kBF16) return as_float >> 16;
  if (value == 0) return 0;
  uint32_t const sign = as_float >> 16 & 0x8000, rest = as_float & 0x7fffffff;
  return sign | ((rest >> 13) - (112u << 10));  // the bias is 112 less
}

inline void put(std::vector<uint8_t>& bytes, int64_t at, TileType type, int value) {
  uint32_t const bits = element_bits(type, value);
  std::memcpy(&bytes[static_cast<size_t>(at)], &bits, static_cast<size_t>(bytes_of(type)));
}

/// Two blocks add the same tile: twice its elements, where they lie inside.
template <int kRank>
void check_addition(Machine& machine, Case c, TileType type) {
  c.type = type;
  c.swizzle = TileSwizzle::kNone;
  c.box[0] = 16;
  Tensor const tensor(c);
  std::vector<uint8_t> tile(static_cast<size_t>(tensor.box_bytes()));
  std::vector<uint8_t> target(static_cast<size_t>(tensor.bytes)), expected;
  int const elements = tensor.box_bytes() / bytes_of(type);
  expected = target;
  for (int i = 0; i < elements; ++i) {
    int const addend = i % 13 - 6, before = i % 7;
    put(tile, tensor.tile_place_of(i), type, addend);
    if (int64_t const to = tensor.place_of(i); to >= 0) {
      put(target, to, type, before);
      put(expected, to, type, before + 2 * addend);
    }
  }
  auto* const memory = machine.place(target);
  machine.run<StoreTile<kRank, true>>(
      tile_params(machine, tensor, memory, reinterpret_cast<uint32_t*>(machine.place(tile))),
      {2, 1, 1});
  auto const got = machine.fetch(memory, expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    expect(got[i] == expected[i], "rank ", kRank, ", type ", static_cast<int>(type), ": byte ", i,
           " of the tensor is ", int{got[i]}, ", expected ", int{expected[i]});
}

template <int kRank>
void check_additions(Machine& machine) {
  for (Case const& c : cases_of_rank(kRank))
    for (TileType const type : {TileType::kF32, TileType::kF16, TileType::kBF16})
      check_addition<kRank>(machine, c, type);
}

inline void check_add_tile(Machine& machine) {
  check_additions<1>(machine);
  check_additions<2>(machine);
  check_additions<3>(machine);
  check_additions<4>(machine);
}

struct Rows {
  Quad const* in;  // 256 bytes
  float *stored, *added;
};

/// A row comes in, goes out and is added; then shared memory is written over, which must not be
/// seen, and goes out too.
struct MoveRows : KernelShape<Rows, 32, 1024> {
  FATTN_DEVICE static void run(Rows const& p, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(0);
    auto const row = memory.at<Quad>(128);
    make_barrier(barrier, 1);
    if (thread_index() != 0) return;
    mbarrier_arrive_expect(barrier, 256);
    load_bulk(row, p.in, 256, barrier);
    mbarrier_wait(barrier, 0);
    fence_async_proxy();
    store_bulk(p.stored, row, 256);
    commit_bulk();
    add_bulk(p.added, row, 256);
    commit_bulk();
    wait_bulk_read<0>();
    for (int i = 0; i < 64; ++i) row.as<float>().store(i, 1.0f);
    fence_async_proxy();
    add_bulk(p.added, row, 240);
    commit_bulk();
    wait_bulk<0>();
  }
};

inline void check_rows(Machine& machine) {
  std::vector<float> in(64), added(64);
  for (size_t i = 0; i < 64; ++i) {
    in[i] = static_cast<float>(i) - 30;
    added[i] = in[i] + (i < 60 ? 1.5f : 0.5f);
  }
  Rows const p{reinterpret_cast<Quad const*>(machine.place(in)), machine.room<float>(64),
               machine.room<float>(64, 0.5f)};
  machine.run<MoveRows>(p);
  expect_same(machine.fetch(p.stored, 64), in, "stored");
  expect_same(machine.fetch(p.added, 64), added, "sums");
}

/// Four stages go out in turn, of which at most one is still being read when the next is filled.
struct Pipeline : KernelShape<Rows, 32, 1024> {
  static constexpr int kTiles = 12;

  FATTN_DEVICE static void run(Rows const& p, SharedMemory memory) {
    if (thread_index() != 0) return;
    for (int tile = 0; tile < kTiles; ++tile) {
      auto const stage = memory.at<Quad>(tile % 2 * 256);
      if (tile >= 2) wait_bulk_read<1>();
      for (int i = 0; i < 64; ++i) stage.as<float>().store(i, static_cast<float>(tile * 64 + i));
      fence_async_proxy();
      store_bulk(p.stored + tile * 64, stage, 256);
      commit_bulk();
    }
    wait_bulk<1>();
    wait_bulk<0>();
  }
};

inline void check_pipeline(Machine& machine) {
  std::vector<float> expected(Pipeline::kTiles * 64);
  for (size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<float>(i);
  auto* const stored = machine.room<float>(expected.size());
  machine.run<Pipeline>({nullptr, stored, nullptr});
  expect_same(machine.fetch(stored, expected.size()), expected, "stored");
}

inline std::vector<Check> checks_of_bulk_copies() {
  return {
      {{"load_tile", "prefetch_tensor_map"}, Needs::kSm90, check_load_tile},
      {{"store_tile", "fence_async_proxy"}, Needs::kSm90, check_store_tile},
      {{"add_tile"}, Needs::kSm90, check_add_tile},
      {{"load_bulk", "store_bulk", "add_bulk"}, Needs::kSm90, check_rows},
      {{"commit_bulk", "wait_bulk", "wait_bulk_read"}, Needs::kSm90, check_pipeline},
  };
}

}  // namespace fattn::conformance
