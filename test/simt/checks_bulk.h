// Bulk copies: boxes of a tensor with and without swizzle, over every edge; rows without a map.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "checks_mbarriers.h"

namespace fattn::conformance {

/// A tensor of up to 4 axes, and a box of it.
struct Case {
  TileType type;
  TileSwizzle swizzle;
  int rank;
  std::array<int, 4> extents, box, at;
};

/// The tensor as bytes, and where its elements are.
struct Tensor {
  Case const& c;
  std::array<int64_t, 4> strides{};  // bytes, rows padded to a multiple of 16
  int64_t bytes = 0;

  explicit Tensor(Case const& of) : c(of) {
    bytes = int64_t{c.extents[0]} * bytes_of(c.type);
    bytes = (bytes + 15) / 16 * 16 + 16;
    for (int axis = 1; axis < c.rank; ++axis) {
      strides[static_cast<size_t>(axis)] = bytes;
      bytes *= c.extents[static_cast<size_t>(axis)];
    }
  }
  TileDescription description(void* base) const {
    TileDescription d{base, c.type, c.swizzle, c.rank, {}, {}, {}};
    for (int axis = 0; axis < c.rank; ++axis) {
      auto const i = static_cast<size_t>(axis);
      d.extents[axis] = c.extents[i];
      d.strides[axis] = strides[i];
      d.box[axis] = c.box[i];
    }
    return d;
  }
  int box_bytes() const {
    int size = bytes_of(c.type);
    for (int axis = 0; axis < c.rank; ++axis) size *= c.box[static_cast<size_t>(axis)];
    return size;
  }
  /// Where element `index` of the box lies in the tensor; -1 outside.
  int64_t place_of(int index) const {
    int64_t place = 0;
    for (int axis = 0; axis < c.rank; ++axis) {
      auto const i = static_cast<size_t>(axis);
      int const coordinate = c.at[i] + index % c.box[i];
      index /= c.box[i];
      if (coordinate < 0 || coordinate >= c.extents[i]) return -1;
      place += axis == 0 ? coordinate * bytes_of(c.type) : coordinate * strides[i];
    }
    return place;
  }
  /// Where it lies in shared memory, from an aligned beginning on.
  int tile_place_of(int index) const {
    int const address = index * bytes_of(c.type);
    if (c.swizzle == TileSwizzle::k128) return address ^ (address >> 7 & 7) << 4;
    if (c.swizzle == TileSwizzle::k64) return address ^ (address >> 7 & 3) << 4;
    return address;
  }
};

struct TileParams {
  TensorMap map;
  uint32_t* tile;  // its words, as they lie in shared memory
  int at[4];
  int bytes;
};

constexpr int kTileAt = 1024, kTileMost = 8192;

/// The box to shared memory, and as it lies there to `tile`.
template <int kRank, CacheHint kHint>
struct LoadTile : KernelShape<TileParams, 64, kTileAt + kTileMost> {
  FATTN_DEVICE static void run(TileParams const& p, SharedMemory memory) {
    auto const barrier = memory.at<MBarrier>(0);
    make_barrier(barrier, 1);
    if (thread_index() == 0) {
      prefetch_tensor_map(p.map);
      int at[kRank];
      for (int i = 0; i < kRank; ++i) at[i] = p.at[i];
      mbarrier_arrive_expect(barrier, p.bytes);
      load_tile<kHint>(memory.at<Quad>(kTileAt), p.map, at, barrier);
    }
    mbarrier_wait(barrier, 0);
    for (int i = thread_index(); i < p.bytes / 4; i += 64)
      p.tile[i] = memory.at<uint32_t>(kTileAt).load(i);
  }
};

/// The reverse: `tile` to the box, or added to what is there.
template <int kRank, bool kAdds>
struct StoreTile : KernelShape<TileParams, 64, kTileAt + kTileMost> {
  FATTN_DEVICE static void run(TileParams const& p, SharedMemory memory) {
    for (int i = thread_index(); i < p.bytes / 4; i += 64)
      memory.at<uint32_t>(kTileAt).store(i, p.tile[i]);
    fence_async_proxy();
    sync_block();
    if (thread_index() != 0) return;
    int at[kRank];
    for (int i = 0; i < kRank; ++i) at[i] = p.at[i];
    if (kAdds)
      add_tile(p.map, at, memory.at<Quad>(kTileAt));
    else
      store_tile(p.map, at, memory.at<Quad>(kTileAt));
    commit_bulk();
    wait_bulk<0>();
  }
};

inline std::vector<Case> cases_of_rank(int rank) {
  constexpr auto kF16 = TileType::kF16;
  constexpr auto kF32 = TileType::kF32;
  constexpr auto kPlain = TileSwizzle::kNone;
  constexpr auto k64 = TileSwizzle::k64;
  constexpr auto k128 = TileSwizzle::k128;
  if (rank == 1)
    return {{kF16, kPlain, 1, {100}, {64}, {24}},
            {kF32, kPlain, 1, {100}, {64}, {-7}},
            {kF16, k128, 1, {100}, {64}, {50}}};
  if (rank == 2)
    return {{kF16, k128, 2, {90, 40}, {64, 32}, {16, 3}},
            {kF16, k64, 2, {90, 40}, {32, 32}, {8, 4}},
            {TileType::kBF16, k128, 2, {90, 40}, {64, 24}, {40, 30}},
            {kF32, k64, 2, {50, 20}, {16, 16}, {-5, -6}},
            {kF32, k128, 2, {50, 20}, {32, 9}, {30, 15}},
            {kF16, kPlain, 2, {24, 9}, {8, 9}, {17, -1}}};
  if (rank == 3)
    return {{kF16, k128, 3, {64, 5, 20}, {64, 2, 16}, {0, 4, 7}},
            {kF16, k64, 3, {40, 3, 9}, {32, 3, 8}, {10, -1, 2}}};
  return {{kF16, k128, 4, {128, 4, 10, 2}, {64, 1, 16, 1}, {64, 2, -3, 1}},
          {kF16, k64, 4, {40, 3, 4, 3}, {32, 2, 3, 2}, {-2, 1, 2, 1}},
          {kF32, kPlain, 4, {20, 3, 4, 3}, {8, 2, 2, 3}, {4, 0, 3, -1}}};
}

inline TileParams tile_params(Machine& machine, Tensor const& tensor, void* base, uint32_t* tile) {
  TileParams p{};
  p.map = machine.encode(tensor.description(base));
  p.tile = tile;
  for (size_t i = 0; i < 4; ++i) p.at[i] = tensor.c.at[i];
  p.bytes = tensor.box_bytes();
  return p;
}

/// Bytes that tell where they come from, and are no NaN in any type.
inline std::vector<uint8_t> patterned(int64_t bytes) {
  std::vector<uint8_t> pattern(static_cast<size_t>(bytes));
  for (size_t i = 0; i < pattern.size(); ++i)
    pattern[i] = static_cast<uint8_t>(i % 2 == 0 ? i / 2 * 7 + 1 : 0x20 + i / 512 % 32);
  return pattern;
}

template <int kRank, CacheHint kHint>
void check_load(Machine& machine, Case const& c) {
  Tensor const tensor(c);
  auto const pattern = patterned(tensor.bytes);
  auto const bytes = static_cast<size_t>(tensor.box_bytes());
  auto* const tile = machine.room<uint32_t>(bytes / 4, 0x77777777u);
  machine.run<LoadTile<kRank, kHint>>(tile_params(machine, tensor, machine.place(pattern), tile));
  auto const got = machine.fetch(reinterpret_cast<uint8_t*>(tile), bytes);
  int const size = bytes_of(c.type);
  for (int i = 0; i < tensor.box_bytes() / size; ++i)
    for (int byte = 0; byte < size; ++byte) {
      int64_t const from = tensor.place_of(i);
      int const right = from < 0 ? 0 : pattern[static_cast<size_t>(from + byte)];
      int const is = got[static_cast<size_t>(tensor.tile_place_of(i) + byte)];
      expect(is == right, "rank ", kRank, ", swizzle ", static_cast<int>(c.swizzle), ": byte ",
             byte, " of element ", i, " of the tile is ", is, ", expected ", right);
    }
}

template <int kRank>
void check_loads(Machine& machine) {
  for (Case const& c : cases_of_rank(kRank)) {
    check_load<kRank, CacheHint::kNormal>(machine, c);
    check_load<kRank, CacheHint::kEvictFirst>(machine, c);
    check_load<kRank, CacheHint::kEvictLast>(machine, c);
  }
}

inline void check_load_tile(Machine& machine) {
  check_loads<1>(machine);
  check_loads<2>(machine);
  check_loads<3>(machine);
  check_loads<4>(machine);
}

/// Stores: what lies outside of the box, padding included, stays as it was.
template <int kRank>
void check_store(Machine& machine, Case const& c) {
  Tensor const tensor(c);
  auto const tile = patterned(tensor.box_bytes());
  std::vector<uint8_t> expected(static_cast<size_t>(tensor.bytes), 0x5a);
  auto* const memory = machine.place(expected);
  machine.run<StoreTile<kRank, false>>(
      tile_params(machine, tensor, memory, reinterpret_cast<uint32_t*>(machine.place(tile))));
  int const size = bytes_of(c.type);
  for (int i = 0; i < tensor.box_bytes() / size; ++i)
    if (int64_t const to = tensor.place_of(i); to >= 0)
      std::memcpy(&expected[static_cast<size_t>(to)],
                  &tile[static_cast<size_t>(tensor.tile_place_of(i))], static_cast<size_t>(size));
  auto const got = machine.fetch(memory, expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    expect(got[i] == expected[i], "rank ", kRank, ", swizzle ", static_cast<int>(c.swizzle),
           ": byte ", i, " of the tensor is ", int{got[i]}, ", expected ", int{expected[i]});
}

template <int kRank>
void check_stores(Machine& machine) {
  for (Case const& c : cases_of_rank(kRank)) check_store<kRank>(machine, c);
}

inline void check_store_tile(Machine& machine) {
  check_stores<1>(machine);
  check_stores<2>(machine);
  check_stores<3>(machine);
  check_stores<4>(machine);
}

}  // namespace fattn::conformance
