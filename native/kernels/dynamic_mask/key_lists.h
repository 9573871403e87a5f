// Gathers the keys that some query of a tile keeps. One warp per list, 32 keys at a time.
#pragma once

#include "kernels/dynamic_mask/params.h"
#include "simt/simt.h"

namespace fattn {

/// The grid has one axis: kLists of `lists` to the block.
struct ListKeys {
  using Params = KeyListParams;
  static constexpr int kLists = 4;
  static constexpr int kThreads = simt::kWarpSize * kLists;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const list = static_cast<int32_t>(simt::block_index().x) * kLists + simt::warp_index();
    if (list >= p.lists) return;
    int32_t const tile = list % p.tiles, head = list / p.tiles % p.heads;
    int32_t const b = list / p.tiles / p.heads;
    int32_t const begin = tile * p.tile_queries, end = begin + p.tile_queries;
    int32_t const* const rows = p.intervals.data + b * p.intervals.batch + head * p.intervals.head;
    int32_t* const keys = p.keys + int64_t{list} * p.capacity;
    int const lane = simt::lane_index();
    int32_t count = 0;
    for (int32_t step = 0; step < p.seq_kv; step += simt::kWarpSize) {
      int32_t const key = step + lane;
      bool const kept = key < p.seq_kv && rows[key] < end && rows[p.intervals.end + key] > begin;
      uint32_t const found = simt::ballot(kept);
      int32_t const place = count + ones(found & ((uint32_t{1} << lane) - 1));
      if (kept && place < p.capacity) keys[place] = key;
      count += ones(found);
    }
    if (lane == 0) p.counts[list] = count < p.capacity ? count : p.capacity;
  }

 private:
  FATTN_DEVICE static int32_t ones(uint32_t bits) {
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    return static_cast<int32_t>(((bits + (bits >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24);
  }
};

}  // namespace fattn
