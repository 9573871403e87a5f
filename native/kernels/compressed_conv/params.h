// What the prologue of compressed convolutional attention is told (attention-variants 4.2).
#pragma once

#include "kernels/elementwise/rope.h"

namespace fattn {

/// Rows of tokens, read. Strides in elements, that of the last axis is 1. Null data: absent.
struct ConvTokens {
  void const* data;
  int64_t sequence, token;

  template <class Element>
  FATTN_DEVICE Element const* row(int64_t n, int64_t t) const {
    return static_cast<Element const*>(data) + (n * sequence + t * token);
  }
};

/// What a pair turns by.
struct alignas(8) ConvTurn {
  float cos, sin;
};

/// A parameter in f32 or in the element type of the latents. Null data: zeros.
struct ConvParameter {
  void const* data;
  bool is_f32;

  template <class Element>
  FATTN_DEVICE float at(int64_t i) const {
    if (!data) return 0;
    if (is_f32) return static_cast<float const*>(data)[i];
    return simt::to_float(static_cast<Element const*>(data)[i]);
  }
};

enum class ConvTemperature : int32_t { kExp = 0, kRaw = 1, kExpClamped = 2 };

struct CompressedConvParams {
  ConvTokens latent, value, delayed;
  ConvTokens history;          // [sequence][halo][C]; null: zeros in front of a sequence
  ConvTokens delayed_history;  // [sequence][hKv d / 2]
  ConvParameter w1, b1, w2, b2, temperature, delayed_bias;
  ConvTemperature temperature_mode;
  TensorRows q, k, v;
  float* in_use;  // [sequence][token], written; null: nobody asks
  int64_t in_use_sequence, in_use_token;
  void* next_history;  // [sequence][halo][C], written; null: nobody asks
  int64_t next_history_sequence, next_history_token;
  void* next_delayed;  // [sequence][hKv d / 2]
  int64_t next_delayed_sequence;

  int32_t const* cu_seq_lens;  // [sequences + 1]: packed; null: [sequences][tokens]
  int32_t const* lengths;      // [sequences], not packed; null: all tokens
  int64_t cu_stride, length_stride;
  int64_t sequences, tokens;  // tokens of each; packed: of all
  int32_t heads_q, heads_kv, head_dim, taps_1, taps_2;
  int32_t tile_tokens;  // tokens of a block: CompressedConv::tile_tokens()
  int32_t outputs;      // of CompressedConv, that have weights at a time: ConvShared::outputs_of()
  bool by_head;         // a block of CompressedConv makes one head, else those of a key head

  RopePositions positions;  // null data: 0, 1, … in each sequence
  int32_t pairs;            // that turn; 0: none do
  double const* frequencies;
  double cos_factor, sin_factor;
  int32_t from_step, from_apart, to_step, to_apart;

  // For tensor cores, of CompressedConvPrepare.
  void const* ready_w2;   // [channels / d][K2][d][d], of the element type of the latents
  ConvTurn const* turns;  // [row][pairs]
  int64_t turn_batch;     // rows from one sequence to the next where positions are given, else 0

  FATTN_DEVICE int32_t group() const { return heads_q / heads_kv; }
  FATTN_DEVICE int32_t halo() const { return taps_1 - 1 + taps_2 - 1; }
  FATTN_DEVICE int64_t channels() const { return int64_t{heads_q + heads_kv} * head_dim; }
  FATTN_DEVICE int64_t half_values() const { return int64_t{heads_kv} * head_dim / 2; }

  /// Row of `turns` for token t of a sequence whose first token is `first`.
  FATTN_DEVICE int64_t turn_row(int64_t batch, int64_t first, int64_t t) const {
    return positions.data ? batch * turn_batch + first + t : t;
  }
};

}  // namespace fattn
