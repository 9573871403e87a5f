// Block index to work, where keys are gathered: rows as in attention/schedule.h, keys by place.
#pragma once

#include "kernels/sparse/source.h"

namespace fattn {

/// A tile and its list. The keys of the tile are those at places begin_key .. end_key - 1.
struct SparseTile {
  WorkTile work;
  KeySource source;
};

/// Of block lists a tile belongs to one block of queries: every block begins with a tile of its
/// own.
template <int kTileRows>
FATTN_DEVICE void cut_at_blocks(SparseAttentionParams const& p, WorkTile& tile) {
  int32_t const block_rows = p.block_q * p.dense.pack;
  int32_t const per_block = (block_rows + kTileRows - 1) / kTileRows;
  int32_t const number = tile.first_row / kTileRows;
  int32_t const block = number / per_block;
  int32_t const rows = tile.sequence.seq_q * p.dense.pack;
  int32_t end = block + 1 < p.query_blocks ? (block + 1) * block_rows : rows;
  tile.first_row = block * block_rows + number % per_block * kTileRows;
  int32_t const rest = end - tile.first_row;
  tile.rows = rest < kTileRows ? rest : kTileRows;
}

/// The chunk's part of the places, in whole steps of kStepKeys.
template <int kStepKeys>
FATTN_DEVICE void cut_into_chunks(AttentionParams const& p, int32_t places, WorkTile& tile) {
  int32_t const steps = (places + kStepKeys - 1) / kStepKeys;
  int32_t const per_chunk = (steps + p.chunks - 1) / p.chunks * kStepKeys;
  int64_t const begin = int64_t{tile.chunk} * per_chunk, end = begin + per_chunk;
  tile.begin_key = begin < places ? static_cast<int32_t>(begin) : places;
  tile.end_key = end < places ? static_cast<int32_t>(end) : places;
}

/// The work of this block. All lanes of every warp must call.
template <int kTileRows, int kStepKeys>
FATTN_DEVICE SparseTile find_sparse_tile(SparseAttentionParams const& p) {
  SparseTile tile{find_tile<kTileRows>(p.dense), {}};
  if (!tile.work.exists) return tile;
  if (p.naming == KeyNaming::kBlocks) cut_at_blocks<kTileRows>(p, tile.work);
  tile.work.exists = tile.work.rows > 0;
  if (!tile.work.exists) return tile;
  tile.source = key_source(p, tile.work);
  cut_into_chunks<kStepKeys>(p.dense, tile.source.places, tile.work);
  return tile;
}

}  // namespace fattn
