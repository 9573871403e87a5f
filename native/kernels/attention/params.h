// The plain structs handed to the attention kernels of every path. The host fills them
// (backends/gpu), and whatever it has checked the kernels take for granted.
#pragma once

#include <cstdint>

namespace fattn {

/// How an output head finds its head in a tensor with fewer (attention-variants 3.2).
enum class HeadRule : int32_t {
  kGrouped = 0,  // floor(o * heads / heads_out)
  kTile = 1,     // o mod heads
};

/// Element type of an operand that is read one element at a time.
enum class ScalarType : int32_t { kF32 = 0, kF16 = 1, kBF16 = 2, kU8 = 3 };

/// Token rows of q, k, v or out: [b, s, h, d], packed [t, h, d]. Strides in elements, that of d
/// is 1.
struct TokenRows {
  void* data;
  int64_t batch;  // 0 when packed
  int64_t row;    // from one token to the next
  int64_t head;
  int32_t heads;
};

/// A value per row, f32: lse, temperature, gate; [b, h, s], packed [h, t]. Null data: absent.
struct RowValues {
  float* data;
  int64_t batch, head, row;  // element strides, 0 on broadcast axes
};

/// A value per score: bias and mask, [b, h, i, j]. Null data: absent.
struct ScoreValues {
  void const* data;
  int64_t batch, head, row, key;  // element strides, 0 on broadcast axes
  ScalarType type;
};

/// Index tensors of a call, checked and copied into one block by `PrepareIndices` before the kernel
/// runs, all contiguous int32. Null: absent, and the scalar of the description holds.
struct Indices {
  int32_t const* starts_q;     // [sequences + 1], packed only: first query token of each sequence
  int32_t const* starts_k;     // [sequences + 1]
  int32_t const* kv_lengths;   // [batch]
  int32_t const* prefixes;     // [batch]
  int32_t const* k_heads;      // [heads_out]
  int32_t const* v_heads;      // [heads_out]
  int32_t const* window_left;  // [heads_out], -1 = unbounded
  int32_t const* window_right;
  int32_t const* sink_tokens;
};

struct AttentionParams {
  TokenRows q, k, v, out;
  RowValues lse, temperature, gate;
  ScoreValues bias, mask;
  Indices indices;
  float const* sinks;  // [heads_out] by `sink_stride`, natural units
  int64_t sink_stride;
  float const* slopes;  // by batch and head
  int64_t slope_batch, slope_head;
  int32_t const*
      segments_q;  // batch by `segment_batch_q` (0 when packed), token by `segment_row_q`
  int64_t segment_batch_q, segment_row_q;
  int32_t const* segments_k;
  int64_t segment_batch_k, segment_row_k;

  int32_t sequences;  // packed: one more than the batch, for tokens after the last sequence
  int32_t batch;      // sequences that per-batch operands know
  int32_t seq_q;      // per sequence; packed: of all together
  int32_t seq_kv;
  int32_t heads_out;
  int32_t head_dim, head_dim_v;
  HeadRule q_rule, k_rule, v_rule;

  float scale;    // factor on q.k, natural units
  float softcap;  // 0 = off
  int32_t causal;
  int32_t window_left, window_right, sink_tokens;  // of every head, where `indices` has none

  // Work split. Rows of a tile: `pack` output heads that share K and V heads lie side by side, row
  // r is query r / pack of head first + r % pack.
  int32_t pack;
  int32_t row_tiles;   // tiles per (sequence, group of `pack` heads); packed: over all sequences
  int32_t chunks;      // key ranges handled apart; above 1 partial results are merged by Combine
  int32_t chunk_keys;  // keys of each

  // Partial results of each key range, a row for every (query token, output head): see
  // `partial_row`. Null where chunks == 1.
  float* partial_out;    // f32, not normalised, [chunks][rows][head_dim_v]; unset in empty rows
  float* partial_state;  // row_max in base 2, row_sum: [chunks][rows][2]
};

}  // namespace fattn
