// Which tokens a block of the prologue works on.
#pragma once

#include "kernels/compressed_conv/params.h"

namespace fattn {

/// Tokens first + begin .. of one sequence. Those from `tokens` on, up to `rows`, are padding.
struct ConvTile {
  int64_t batch = 0;             // index on the batch axis; 0 where sequences are packed
  int64_t number = 0;            // of the sequence
  int64_t first = 0;             // its first token
  int32_t begin = 0;             // of the tile, within the sequence
  int32_t tokens = 0, rows = 0;  // of the sequence: in use, and to be written
  bool exists = false;

  /// Tokens of the tile that are in use, and that are written.
  FATTN_DEVICE int32_t used(int32_t tile) const { return clamped(tokens - begin, tile); }
  FATTN_DEVICE int32_t written(int32_t tile) const { return clamped(rows - begin, tile); }

 private:
  FATTN_DEVICE static int32_t clamped(int32_t left, int32_t most) {
    return left < 0 ? 0 : left < most ? left : most;
  }
};

FATTN_DEVICE int64_t conv_tiles(int64_t rows, int32_t tile) {
  int64_t const tiles = (rows + tile - 1) / tile;
  return tiles > 0 ? tiles : 1;  // an empty sequence has a history to pass on
}

/// Where sequence n begins, within [0, tokens] whatever the tensor holds; n may be one past the
/// last, whose tokens are padding.
FATTN_DEVICE int64_t conv_start(CompressedConvParams const& p, int64_t n) {
  if (n > p.sequences) return p.tokens;
  int64_t const start = p.cu_seq_lens[n * p.cu_stride];
  return start < 0 ? 0 : start < p.tokens ? start : p.tokens;
}

FATTN_DEVICE int64_t conv_rows(CompressedConvParams const& p, int64_t n) {
  int64_t const rows = conv_start(p, n + 1) - conv_start(p, n);
  return rows > 0 ? rows : 0;
}

/// Tile `index` of packed sequences. All lanes of a warp look together, each at every 32nd
/// sequence.
FATTN_DEVICE ConvTile packed_conv_tile(CompressedConvParams const& p, int64_t index) {
  ConvTile tile;
  int32_t left = static_cast<int32_t>(index);  // tiles in front of it, of the sequences to come
  for (int64_t base = 0; base <= p.sequences; base += simt::kWarpSize) {
    int64_t const n = base + simt::lane_index();
    int32_t const own =
        n <= p.sequences ? static_cast<int32_t>(conv_tiles(conv_rows(p, n), p.tile_tokens)) : 0;
    int32_t upto = own;  // tiles up to and with the lane's
    FATTN_UNROLL for (int distance = 1; distance < simt::kWarpSize; distance *= 2) {
      int32_t const before = simt::shuffle_up(upto, distance);
      if (simt::lane_index() >= distance) upto += before;
    }
    uint32_t const behind = simt::ballot(upto > left);
    if (behind != 0) {
      int lane = 0;
      while (((behind >> lane) & 1) == 0) ++lane;
      int32_t const before = simt::shuffle(upto - own, lane);
      tile.number = base + lane;
      tile.first = conv_start(p, tile.number);
      tile.begin = (left - before) * p.tile_tokens;
      tile.rows = static_cast<int32_t>(conv_rows(p, tile.number));
      tile.tokens = tile.number < p.sequences ? tile.rows : 0;
      tile.exists = true;
      return tile;
    }
    left -= simt::shuffle(upto, simt::kWarpSize - 1);
  }
  return tile;
}

FATTN_DEVICE ConvTile conv_tile(CompressedConvParams const& p, int64_t index) {
  if (p.cu_seq_lens) return packed_conv_tile(p, index);
  ConvTile tile;
  int64_t const tiles = conv_tiles(p.tokens, p.tile_tokens);
  tile.batch = tile.number = index / tiles;
  tile.begin = static_cast<int32_t>(index % tiles) * p.tile_tokens;
  tile.rows = static_cast<int32_t>(p.tokens);
  int32_t const length = p.lengths ? p.lengths[tile.number * p.length_stride] : tile.rows;
  tile.tokens = length < 0 ? 0 : length < tile.rows ? length : tile.rows;
  tile.exists = tile.number < p.sequences;
  return tile;
}

}  // namespace fattn
