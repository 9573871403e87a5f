// Sparse attention on any dtype, head dim and stride, in the manner of attention/simple: one warp
// computes one query row. It takes the places of its tile's list in steps of 32, one per lane for
// what concerns scores, while elements of K and V lie across the lanes.
#pragma once

#include "kernels/attention/simple/lane_columns.h"
#include "kernels/sparse/tile.h"
#include "kernels/warp.h"

namespace fattn {

template <class Element>
struct SimpleSparseAttention {
  using Params = SparseAttentionParams;
  static constexpr int kTileRows = 4;  // warps, one row each
  static constexpr int kThreads = simt::kWarpSize * kTileRows;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  static constexpr int kStepKeys = simt::kWarpSize;
  static constexpr int kLaneColumns = simple::kLaneColumns;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    SparseTile const tile = find_sparse_tile<kTileRows, kStepKeys>(p);
    int const warp = simt::warp_index();
    if (!tile.work.exists || warp >= tile.work.rows) return;
    Row const row(p.dense, tile, tile_row(p.dense, tile.work, warp));
    // Columns beyond those that fit into registers: another pass over the keys.
    for (int32_t column = 0; column < p.dense.head_dim_v; column += simple::kPassColumns) {
      float sums[kLaneColumns] = {};
      SoftmaxState const state = attend(row, column, sums);
      simple::store_row<Element>(p.dense, tile.work, row.at, state, column, sums);
    }
  }

 private:
  struct Row {
    AttentionParams const& p;
    WorkTile const& tile;
    KeySource const& source;
    TileRow at;
    Element const *q, *k, *v;  // of the row's heads, from the first token of the sequence

    FATTN_DEVICE Row(AttentionParams const& p, SparseTile const& tile, TileRow at)
        : p(p), tile(tile.work), source(tile.source), at(at) {
      SequenceRange const& s = tile.work.sequence;
      HeadTriple const heads = heads_of(p, at.head);
      q = row_of<Element>(p.q, s.index, s.first_q, at.query, heads.q);
      k = row_of<Element>(p.k, s.index, s.first_k, 0, heads.k);
      v = row_of<Element>(p.v, s.index, s.first_k, 0, heads.v);
    }
  };

  FATTN_DEVICE static SoftmaxState attend(Row const& row, int32_t column,
                                          float (&sums)[kLaneColumns]) {
    SoftmaxState state;
    float const scale = row.p.scale * kLog2E;
    for (int32_t step = row.tile.begin_key; step < row.tile.end_key; step += kStepKeys) {
      GatheredKey const key = row.source.at(step + simt::lane_index());
      bool const kept = key.seen_by(row.at.query);
      uint32_t const kept_keys = simt::ballot(kept);
      if (kept_keys == 0) continue;
      float const product = multiply_keys(row, key.token, kept_keys);
      float const score =
          kept ? simt::fused_multiply_add(product, scale, key.bias) : -simt::kInfinity;
      float const shrink = advance_max(state, warp_max(score));
      float const weight = simt::exp2_approximate(score - softmax_reference(state.row_max));
      state.row_sum += warp_sum(weight);
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) sums[i] *= shrink;
      add_values(row, key.token, simt::ballot(score != -simt::kInfinity), weight, column, sums);
    }
    return state;
  }

  /// q.k of the lane's own key. Keys that are not kept are not read.
  FATTN_DEVICE static float multiply_keys(Row const& row, int32_t token, uint32_t kept_keys) {
    float products[kStepKeys] = {};
    FATTN_UNROLL for (int j = 0; j < kStepKeys; ++j) {
      Element const* const key = row.k + simt::shuffle(token, j) * row.p.k.row;
      if ((kept_keys >> j & 1) == 0) continue;
      for (int32_t c = simt::lane_index(); c < row.p.head_dim; c += simt::kWarpSize)
        products[j] =
            simt::fused_multiply_add(simt::to_float(row.q[c]), simt::to_float(key[c]), products[j]);
    }
    return warp_sum_transposed(products);
  }

  /// Adds the values of the keys seen, those with scores above -inf, by their weights, which lie in
  /// their lanes. A weight of 0 would not keep a value away that is NaN or infinite.
  FATTN_DEVICE static void add_values(Row const& row, int32_t token, uint32_t seen_keys,
                                      float weight, int32_t column, float (&sums)[kLaneColumns]) {
    int32_t const first = column + simt::lane_index();
    for (int j = 0; j < kStepKeys; ++j) {
      if ((seen_keys >> j & 1) == 0) continue;
      float const w = simt::shuffle(weight, j);
      Element const* const value = row.v + simt::shuffle(token, j) * row.p.v.row;
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
        int32_t const c = first + i * simt::kWarpSize;
        if (c < row.p.head_dim_v)
          sums[i] = simt::fused_multiply_add(w, simt::to_float(value[c]), sums[i]);
      }
    }
  }
};

}  // namespace fattn
