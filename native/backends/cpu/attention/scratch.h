// How the scratch of one thread is divided. Laid out once per task, measured once per plan by the
// same code.
#pragma once

#include <cstdint>

#include "backends/cpu/attention/plan.h"
#include "simt/annotations.h"

namespace fattn::cpu {

constexpr int kRowMultiple = 48;  // rows are padded to whole tiles and whole vectors

/// What the kernels know about one stacked query row.
struct RowInfo {
  int32_t head;   // output head
  int32_t query;  // position in the sequence
  KeyLimits limits;
  int32_t segment;
  int32_t aligned;  // a(i), the key at distance 0
  float scale;      // temperature included
  float slope;      // ALiBi, 0 = none
  char const* bias;
  char const* mask;
};

/// Softmax state and score tile of some rows; the part that prefill and decode share.
struct RowState {
  RowInfo* info;       // [rows]
  float* row_max;      // [rows], log2 units
  float* row_sum;      // [rows]
  float* out;          // [rows, out_stride], not normalised
  int64_t out_stride;  // dV rounded up to whole vectors

  FATTN_HOST_DEVICE static RowState lay_out(Arena& arena, int64_t rows, int64_t head_dim_v) {
    RowState s;
    s.info = arena.take<RowInfo>(rows);
    s.row_max = arena.take<float>(rows);
    s.row_sum = arena.take<float>(rows);
    s.out_stride = round_up(head_dim_v, kMaxLanes);
    s.out = arena.take<float>(rows * s.out_stride);
    return s;
  }
};

/// Smallest and largest segment id among some tokens: no pair is visible where two ranges are
/// disjoint.
struct SegmentRange {
  int32_t least = INT32_MAX, most = INT32_MIN;

  FATTN_HOST_DEVICE void add(int32_t segment) {
    least = segment < least ? segment : least;
    most = segment > most ? segment : most;
  }
  FATTN_HOST_DEVICE bool meets(SegmentRange const& other) const {
    return least <= other.most && other.least <= most;
  }
};

/// Smallest and largest query among some rows.
struct QueryRange {
  int32_t least = INT32_MAX, most = INT32_MIN;

  FATTN_HOST_DEVICE void add(int32_t query) {
    least = query < least ? query : least;
    most = query > most ? query : most;
  }
};

struct PrefillScratch {
  RowState rows;
  float* factor;    // [rows], rescale of the block at hand
  float* tile_max;  // [rows, lanes]
  float* tile_sum;  // [rows, lanes]
  int32_t* q;       // [rows, q_stride] float32 or bfloat16 pairs
  int64_t q_stride;
  float* scores;                // [rows, kBlockKeys]
  int32_t* weights;             // [rows, kBlockKeys / 2] bfloat16 pairs, dot path only
  int32_t* keys;                // panels [kBlockKeys / panel][d][panel]
  int32_t* values;              // panels [dV / panel][kBlockKeys][panel]
  SegmentRange* tile_segments;  // [tiles]
  QueryRange* tile_queries;     // [tiles]
  RowBlockLimits* tile_limits;  // [tiles]
  int16_t* tile_begin;          // [tiles], first visible column of the block at hand
  int16_t* tile_end;            // [tiles]
  uint8_t* bad_keys;  // [kBlockKeys], values that are not finite in a partly visible block

  FATTN_HOST_DEVICE static PrefillScratch lay_out(Arena& arena, int64_t rows, int64_t head_dim,
                                                  int64_t head_dim_v, bool bf16_dot) {
    int64_t const padded = round_up(rows, kRowMultiple);
    int64_t const tiles = padded / kRowsPerTile;
    int64_t const steps = bf16_dot ? (head_dim + 1) / 2 : head_dim;
    PrefillScratch s;
    s.rows = RowState::lay_out(arena, padded, head_dim_v);
    s.factor = arena.take<float>(padded);
    s.tile_max = arena.take<float>(padded * kMaxLanes);
    s.tile_sum = arena.take<float>(padded * kMaxLanes);
    s.q_stride = round_up(steps, kMaxLanes);
    s.q = arena.take<int32_t>(padded * s.q_stride);
    s.scores = arena.take<float>(padded * kBlockKeys);
    s.weights = arena.take<int32_t>(bf16_dot ? padded * kBlockKeys / 2 : 0);
    s.keys = arena.take<int32_t>(kBlockKeys * s.q_stride);
    s.values = arena.take<int32_t>((bf16_dot ? kBlockKeys / 2 : kBlockKeys) *
                                   round_up(head_dim_v, kMaxLanes));
    s.tile_segments = arena.take<SegmentRange>(tiles);
    s.tile_queries = arena.take<QueryRange>(tiles);
    s.tile_limits = arena.take<RowBlockLimits>(tiles);
    s.tile_begin = arena.take<int16_t>(tiles);
    s.tile_end = arena.take<int16_t>(tiles);
    s.bad_keys = arena.take<uint8_t>(kBlockKeys);
    return s;
  }
};

struct DecodeScratch {
  RowState rows;  // of all groups of the task, kDecodeRows apart
  float* q;       // [groups * kDecodeRows, q_stride]
  int64_t q_stride;
  float* scores;     // [groups * kDecodeRows, kDecodeBlockKeys]
  float* lane_sums;  // [groups * kDecodeRows, lanes], row sums lane by lane

  FATTN_HOST_DEVICE static DecodeScratch lay_out(Arena& arena, int64_t groups, int64_t head_dim,
                                                 int64_t head_dim_v) {
    int64_t const rows = groups * kDecodeRows;
    DecodeScratch s;
    s.rows = RowState::lay_out(arena, rows, head_dim_v);
    s.q_stride = round_up(head_dim, kMaxLanes);
    s.q = arena.take<float>(rows * s.q_stride);
    s.scores = arena.take<float>(rows * kDecodeBlockKeys);
    s.lane_sums = arena.take<float>(rows * kMaxLanes);
    return s;
  }
};

}  // namespace fattn::cpu
