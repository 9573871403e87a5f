// Block index to work: which sequence, which heads, which query rows, which keys.
//
// The grid has one axis of row_tiles * chunks * (heads_out / pack) blocks per sequence, or in all
// when packed. Tiles come first, so that blocks that run together read the same keys. The row tiles
// of a packed call are counted through all sequences; how many there are only the device knows, so
// the host provides for the most there can be, and blocks beyond have nothing to do. The host keeps
// the number of blocks, and seq_q * pack plus a tile, below 2^31.
#pragma once

#include "kernels/attention/row.h"

namespace fattn {

/// Row tiles that `tokens` packed query tokens in `sequences` sequences can need at most.
FATTN_HOST_DEVICE int64_t most_row_tiles(int64_t tokens, int64_t sequences, int32_t pack,
                                         int32_t tile_rows) {
  return tokens * pack / tile_rows + sequences;
}

struct WorkTile {
  bool exists;
  SequenceRange sequence;
  int32_t first_head;  // output heads first_head .. first_head + pack - 1
  int32_t first_row;   // of the sequence's seq_q * pack rows
  int32_t rows;        // in the tile: the tile's height, or fewer at the end of the sequence
  int32_t chunk;
  int32_t begin_key, end_key;  // keys of the chunk that the sequence has
};

/// A row of a tile: query `query` of output head `head`.
struct TileRow {
  int32_t query, head;
};
FATTN_DEVICE TileRow tile_row(AttentionParams const& p, WorkTile const& tile, int32_t row) {
  int32_t const r = tile.first_row + row;
  return {r / p.pack, tile.first_head + r % p.pack};
}

/// A row tile of a packed call, found: its sequence, and its number within it.
struct PackedTile {
  int32_t sequence;  // -1: there are not that many tiles
  int32_t tile;
};

/// Walks the sequences 32 at a time, one per lane. Every lane of the block's warps gets the answer.
FATTN_DEVICE PackedTile find_packed_tile(AttentionParams const& p, int32_t tile,
                                         int32_t tile_rows) {
  int const lane = simt::lane_index();
  int32_t before = 0;  // tiles of the sequences walked past
  for (int32_t first = 0; first < p.sequences; first += simt::kWarpSize) {
    int32_t const b = first + lane;
    int32_t const tokens = b < p.sequences ? p.indices.starts_q[b + 1] - p.indices.starts_q[b] : 0;
    int32_t const own = (tokens * p.pack + tile_rows - 1) / tile_rows;
    int32_t end = own;  // tiles of the lanes up to this one
    FATTN_UNROLL for (int distance = 1; distance < simt::kWarpSize; distance *= 2) {
      int32_t const below = simt::shuffle_up(end, distance);
      if (lane >= distance) end += below;
    }
    int const passed = simt::reduce_add(before + end <= tile ? 1 : 0);  // they come first
    if (passed < simt::kWarpSize)
      return {first + passed, tile - before - simt::shuffle(end - own, passed)};
    before += simt::shuffle(end, simt::kWarpSize - 1);
  }
  return {-1, 0};
}

/// The work of this block, in tiles of kTileRows rows. All lanes of every warp must call.
template <int kTileRows>
FATTN_DEVICE WorkTile find_tile(AttentionParams const& p) {
  uint32_t const block = simt::block_index().x;
  uint32_t const above = block / static_cast<uint32_t>(p.row_tiles);
  int32_t tile = static_cast<int32_t>(block % static_cast<uint32_t>(p.row_tiles));
  uint32_t const groups = static_cast<uint32_t>(p.heads_out / p.pack);
  uint32_t const chunks = static_cast<uint32_t>(p.chunks);

  WorkTile work;
  work.chunk = static_cast<int32_t>(above % chunks);
  work.first_head = static_cast<int32_t>(above / chunks % groups) * p.pack;
  int32_t sequence = static_cast<int32_t>(above / chunks / groups);  // 0 when packed
  if (p.indices.starts_q) {
    PackedTile const found = find_packed_tile(p, tile, kTileRows);
    sequence = found.sequence;
    tile = found.tile;
  } else if (p.causal) {
    tile = p.row_tiles - 1 - tile;  // the last rows see the most keys: they start first
  }
  work.exists = sequence >= 0;
  if (!work.exists) return work;
  work.sequence = sequence_range(p, sequence);
  work.first_row = tile * kTileRows;
  int32_t const rest = work.sequence.seq_q * p.pack - work.first_row;
  work.rows = rest < kTileRows ? rest : kTileRows;
  int64_t const begin = int64_t{work.chunk} * p.chunk_keys;
  int64_t const end = begin + p.chunk_keys;
  int32_t const keys = work.sequence.seq_kv;
  work.begin_key = begin < keys ? static_cast<int32_t>(begin) : keys;
  work.end_key = end < keys ? static_cast<int32_t>(end) : keys;
  return work;
}

}  // namespace fattn
