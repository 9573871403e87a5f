// The path that serves everything and the one to read first: any dtype, head dim, stride, alignment
// and option, no tensor cores. One warp computes one query row. It takes the keys in steps of 32,
// one per lane for what concerns scores, while elements of K and V lie across the lanes.
#pragma once

#include "kernels/attention/score.h"
#include "kernels/attention/simple/lane_columns.h"
#include "kernels/warp.h"

namespace fattn {

template <class Element>
struct SimpleAttention {
  using Params = AttentionParams;
  static constexpr int kTileRows = 4;  // warps, one row each
  static constexpr int kThreads = simt::kWarpSize * kTileRows;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  static constexpr int kStepKeys = simt::kWarpSize;
  static constexpr int kLaneColumns = simple::kLaneColumns;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    WorkTile const tile = find_tile<kTileRows>(p);
    int const warp = simt::warp_index();
    if (!tile.exists || warp >= tile.rows) return;
    Row const row(p, tile, tile_row(p, tile, warp));
    // Columns beyond those that fit into registers: another pass over the keys.
    for (int32_t column = 0; column < p.head_dim_v; column += simple::kPassColumns) {
      float sums[kLaneColumns] = {};
      SoftmaxState const state = attend(row, column, sums);
      simple::store_row<Element>(p, tile, row.at, state, column, sums);
    }
  }

 private:
  struct Row {
    AttentionParams const& p;
    WorkTile const& tile;
    TileRow at;
    KeyLimits limits;
    ScoreRow scores;
    Element const *q, *k, *v;  // of the row's heads, from the first token of the sequence

    FATTN_DEVICE Row(AttentionParams const& p, WorkTile const& tile, TileRow at)
        : p(p),
          tile(tile),
          at(at),
          limits(limits_of_row(p, tile.sequence, at.query, at.head)),
          scores(score_row(p, tile.sequence, at.query, at.head)) {
      SequenceRange const& s = tile.sequence;
      HeadTriple const heads = heads_of(p, at.head);
      q = row_of<Element>(p.q, s.index, s.first_q, at.query, heads.q);
      k = row_of<Element>(p.k, s.index, s.first_k, 0, heads.k);
      v = row_of<Element>(p.v, s.index, s.first_k, 0, heads.v);
    }

    /// The next key from `key` on that is not hidden between the sink keys and the window.
    FATTN_DEVICE int32_t next_step(int32_t key) const {
      return key >= limits.sink && key < limits.lo ? limits.lo : key;
    }
  };

  /// The row against the keys of the tile's chunk. `sums`: weighted sums of the output columns
  /// column + lane, column + lane + 32, …
  FATTN_DEVICE static SoftmaxState attend(Row const& row, int32_t column,
                                          float (&sums)[kLaneColumns]) {
    SoftmaxState state;
    KeyLimits const& limits = row.limits;
    int32_t end = limits.hi > limits.sink ? limits.hi : limits.sink;
    if (end > row.tile.end_key) end = row.tile.end_key;
    for (int32_t step = row.next_step(row.tile.begin_key); step < end;
         step = row.next_step(step + kStepKeys)) {
      int32_t const key = step + simt::lane_index();
      bool const visible =
          key < end && sees(limits, key) && shown(row.p, row.tile.sequence, row.scores, key);
      uint32_t const visible_keys = simt::ballot(visible);
      if (visible_keys == 0) continue;
      float const product = multiply_keys(row, step, visible_keys);
      float const score = visible ? score_of(row.p, row.scores, key, product) : -simt::kInfinity;
      float const shrink = advance_max(state, warp_max(score));
      float const weight = simt::exp2_approximate(score - softmax_reference(state.row_max));
      state.row_sum += warp_sum(weight);
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) sums[i] *= shrink;
      add_values(row, step, visible_keys, weight, column, sums);
    }
    return state;
  }

  /// q.k of key step + lane. Keys that are not visible are not read.
  FATTN_DEVICE static float multiply_keys(Row const& row, int32_t step, uint32_t visible_keys) {
    Element const* const keys = row.k + step * row.p.k.row;
    float products[kStepKeys] = {};
    for (int32_t c = simt::lane_index(); c < row.p.head_dim; c += simt::kWarpSize) {
      float const q = simt::to_float(row.q[c]);
      Element const* key = keys + c;
      FATTN_UNROLL for (int j = 0; j < kStepKeys; ++j, key += row.p.k.row) {
        if ((visible_keys >> j & 1) == 0) continue;
        products[j] = simt::fused_multiply_add(q, simt::to_float(*key), products[j]);
      }
    }
    return warp_sum_transposed(products);
  }

  /// Adds the values of the step's visible keys by their weights; lane j has that of key step + j.
  FATTN_DEVICE static void add_values(Row const& row, int32_t step, uint32_t visible_keys,
                                      float weight, int32_t column, float (&sums)[kLaneColumns]) {
    int32_t const first = column + simt::lane_index();
    for (int j = 0; j < kStepKeys; ++j) {
      if ((visible_keys >> j & 1) == 0) continue;
      float const w = simt::shuffle(weight, j);
      Element const* const value = row.v + (step + j) * row.p.v.row;
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
        int32_t const c = first + i * simt::kWarpSize;
        if (c < row.p.head_dim_v)
          sums[i] = simt::fused_multiply_add(w, simt::to_float(value[c]), sums[i]);
      }
    }
  }
};

}  // namespace fattn
