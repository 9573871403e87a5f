// Gathers the keys that some query of a tile keeps. One warp per list, which looks at every key
// once.
#pragma once

#include "kernels/sparse/source.h"

namespace fattn {

/// The grid has one axis: kLists of the list_tiles * heads lists of every sequence (of all together
/// when packed) to the block.
struct ListKeys {
  using Params = SparseAttentionParams;
  static constexpr int kLists = 4;
  static constexpr int kThreads = simt::kWarpSize * kLists;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    AttentionParams const& d = p.dense;
    uint32_t const list =
        simt::block_index().x * kLists + static_cast<uint32_t>(simt::warp_index());
    uint32_t const above = list / static_cast<uint32_t>(p.list_tiles);
    int32_t tile = static_cast<int32_t>(list % static_cast<uint32_t>(p.list_tiles));
    int32_t const head = static_cast<int32_t>(above % static_cast<uint32_t>(p.heads));
    int32_t sequence = static_cast<int32_t>(above / static_cast<uint32_t>(p.heads));
    if (sequence >= (d.indices.starts_q ? 1 : d.batch)) return;
    if (d.indices.starts_q) {
      PackedTile const found = find_packed_tile(d, tile, p.list_rows);
      sequence = found.sequence;
      tile = found.tile;
    }
    if (sequence < 0) return;
    SequenceRange const s = sequence_range(d, sequence);
    int32_t const first_row = tile * p.list_rows;
    int32_t const rest = s.seq_q * d.pack - first_row;
    int32_t const rows = rest < p.list_rows ? rest : p.list_rows;
    if (rows <= 0) return;
    Queries const queries{first_row / d.pack, (first_row + rows - 1) / d.pack};
    int64_t const to = list_of(p, s, head, first_row);
    int32_t const count = gather(p, every_key(p, s, head), queries, p.keys + to * p.capacity);
    if (simt::lane_index() == 0) p.counts[to] = count;
  }

 private:
  static constexpr int kStepKeys = 4 * simt::kWarpSize;  // asked for at a time
  struct Queries {
    int32_t first, last;
  };

  /// How many keys there are; no more than needed to tell that they do not fit.
  FATTN_DEVICE static int32_t gather(Params const& p, KeySource const& source,
                                     Queries const& queries, int32_t* keys) {
    int32_t const last_seen = queries.last + source.ahead;
    int32_t const end = last_seen < source.seq_kv ? last_seen + 1 : source.seq_kv;
    int32_t count = 0;
    for (int32_t step = 0; step < end && count <= p.capacity; step += kStepKeys) {
      uint32_t found[4];
      FATTN_UNROLL for (int i = 0; i < 4; ++i) {
        int32_t const key = step + i * simt::kWarpSize + simt::lane_index();
        found[i] = key < end && source.at(key).seen_by(queries.first, queries.last) ? 1 : 0;
      }
      FATTN_UNROLL for (int i = 0; i < 4; ++i) {
        uint32_t const all = simt::ballot(found[i] != 0);
        int32_t const place =
            count + simt::count_ones(all & ((uint32_t{1} << simt::lane_index()) - 1));
        if (found[i] != 0 && place < p.capacity)
          keys[place] = step + i * simt::kWarpSize + simt::lane_index();
        count += simt::count_ones(all);
      }
    }
    return count;
  }
};

}  // namespace fattn
