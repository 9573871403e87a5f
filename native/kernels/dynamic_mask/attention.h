// Attention over gathered keys, in the manner of attention/simple: one warp computes one query row,
// on any dtype, head dim and stride. A tile of rows shares a list of keys; which of them a row
// keeps is a test of two numbers per key. 32 keys at a time, one per lane for what concerns scores,
// while elements of K and V lie across the lanes.
#pragma once

#include "kernels/attention/epilogue.h"
#include "kernels/attention/keys.h"
#include "kernels/attention/schedule.h"
#include "kernels/dynamic_mask/params.h"
#include "kernels/warp.h"

namespace fattn {

/// `dense` is not packed and has one chunk; its rows are tiled as the lists are.
struct ListedAttentionParams {
  AttentionParams dense;
  KeyScoreValues scores;
  KeyIntervalRows intervals;
  int32_t const* keys;    // [b, hB, tiles, capacity]
  int32_t const* counts;  // [b, hB, tiles]
  int32_t score_heads, capacity;
};

template <class Element>
struct ListedAttention {
  using Params = ListedAttentionParams;
  static constexpr int kTileRows = 4;  // warps, one row each
  static constexpr int kThreads = simt::kWarpSize * kTileRows;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  static constexpr int kStepKeys = simt::kWarpSize;
  static constexpr int kLaneColumns = 8;  // of the output, in registers
  static constexpr int kPassColumns = simt::kWarpSize * kLaneColumns;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    WorkTile const tile = find_tile<kTileRows>(p.dense);
    int const warp = simt::warp_index();
    if (!tile.exists || warp >= tile.rows) return;
    Row const row(p, tile, tile_row(p.dense, tile, warp));
    // Columns beyond those that fit into registers: another pass over the keys.
    for (int32_t column = 0; column < p.dense.head_dim_v; column += kPassColumns) {
      float sums[kLaneColumns] = {};
      SoftmaxState const state = attend(row, column, sums);
      store(row, state, column, sums);
    }
  }

 private:
  struct Row {
    AttentionParams const& p;
    SequenceRange const& sequence;
    TileRow at;
    Element const* q;
    IndexedKeys<Element> k, v;
    int32_t const *first, *end;  // by key: the queries that keep it
    float const* scores;         // by key
    int64_t score_stride;
    int32_t last_key;  // that causality shows

    FATTN_DEVICE Row(Params const& all, WorkTile const& tile, TileRow at)
        : p(all.dense), sequence(tile.sequence), at(at) {
      HeadTriple const heads = heads_of(p, at.head);
      int32_t const b = sequence.index;
      int32_t const head = shared_head(HeadRule::kGrouped, at.head, all.score_heads, p.heads_out);
      int64_t const list =
          (int64_t{b} * all.score_heads + head) * p.row_tiles + tile.first_row / kTileRows;
      q = row_of<Element>(p.q, b, 0, at.query, heads.q);
      k.keys = v.keys = all.keys + list * all.capacity;
      k.end = v.end = all.counts[list];
      k.first = row_of<Element>(p.k, b, 0, 0, heads.k);
      k.stride = p.k.row;
      v.first = row_of<Element>(p.v, b, 0, 0, heads.v);
      v.stride = p.v.row;
      first = all.intervals.data + b * all.intervals.batch + head * all.intervals.head;
      end = first + all.intervals.end;
      scores = all.scores.data + b * all.scores.batch + head * all.scores.head;
      score_stride = all.scores.key;
      last_key = p.causal ? at.query + sequence.seq_kv - sequence.seq_q : INT32_MAX;
    }

    FATTN_DEVICE bool keeps(int32_t key) const {
      return key <= last_key && key < sequence.seq_kv && first[key] <= at.query &&
             end[key] > at.query;
    }

    /// In base 2. NaN counts as -inf.
    FATTN_DEVICE float score_of(int32_t key, float product) const {
      float const score = scores[key * score_stride];
      if (simt::is_nan(score)) return -simt::kInfinity;
      return (product * p.scale + score) * kLog2E;
    }
  };

  FATTN_DEVICE static SoftmaxState attend(Row const& row, int32_t column,
                                          float (&sums)[kLaneColumns]) {
    SoftmaxState state;
    for (int32_t step = 0; step < row.k.end; step += kStepKeys) {
      int32_t const place = step + simt::lane_index();
      bool const kept = row.k.has(place) && row.keeps(row.k.token(place));
      uint32_t const kept_keys = simt::ballot(kept);
      if (kept_keys == 0) continue;
      float const product = multiply_keys(row, step, kept_keys);
      float const score = kept ? row.score_of(row.k.token(place), product) : -simt::kInfinity;
      float const shrink = advance_max(state, warp_max(score));
      float const weight = simt::exp2_approximate(score - softmax_reference(state.row_max));
      state.row_sum += warp_sum(weight);
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) sums[i] *= shrink;
      add_values(row, step, kept_keys, weight, column, sums);
    }
    return state;
  }

  /// q.k of the key at step + lane. Keys that are not kept are not read.
  FATTN_DEVICE static float multiply_keys(Row const& row, int32_t step, uint32_t kept_keys) {
    float products[kStepKeys] = {};
    FATTN_UNROLL for (int j = 0; j < kStepKeys; ++j) {
      if ((kept_keys >> j & 1) == 0) continue;
      Element const* const key = row.k.row(step + j);
      for (int32_t c = simt::lane_index(); c < row.p.head_dim; c += simt::kWarpSize)
        products[j] =
            simt::fused_multiply_add(simt::to_float(row.q[c]), simt::to_float(key[c]), products[j]);
    }
    return warp_sum_transposed(products);
  }

  /// Adds the values of the kept keys by their weights; lane j has that of the key at step + j.
  FATTN_DEVICE static void add_values(Row const& row, int32_t step, uint32_t kept_keys,
                                      float weight, int32_t column, float (&sums)[kLaneColumns]) {
    int32_t const first = column + simt::lane_index();
    for (int j = 0; j < kStepKeys; ++j) {
      if ((kept_keys >> j & 1) == 0) continue;
      float const w = simt::shuffle(weight, j);
      Element const* const value = row.v.row(step + j);
      FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
        int32_t const c = first + i * simt::kWarpSize;
        if (c < row.p.head_dim_v)
          sums[i] = simt::fused_multiply_add(w, simt::to_float(value[c]), sums[i]);
      }
    }
  }

  FATTN_DEVICE static void store(Row const& row, SoftmaxState state, int32_t column,
                                 float const (&sums)[kLaneColumns]) {
    FinishedRow const finished = finish_row(row.p, row.sequence, row.at.query, row.at.head, state);
    Element* const out = out_row<Element>(row.p, row.sequence, row.at.query, row.at.head);
    FATTN_UNROLL for (int i = 0; i < kLaneColumns; ++i) {
      int32_t const c = column + simt::lane_index() + i * simt::kWarpSize;
      if (c < row.p.head_dim_v) out[c] = simt::round_to<Element>(finished.value(sums[i]));
    }
    if (column == 0 && simt::lane_index() == 0)
      store_lse(row.p, row.sequence, row.at.query, row.at.head, finished.lse);
  }
};

}  // namespace fattn
