// A planned prologue of compressed convolutional attention: plain data that the kernels of every
// instruction path read.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simt/annotations.h"

namespace fattn::cpu {

constexpr int kConvTokens = 64;  // per tile, on every path
constexpr int kConvHalo = 16;    // columns in front of a tile's first token; at least K1 + K2 - 2

/// Rows of tokens, by element strides. `sequence` is 0 where sequences are packed.
struct ConvRows {
  char* data = nullptr;
  int64_t sequence = 0, token = 0, head = 0;
};

/// A sequence: its place in tensors of tokens, and in those of one entry per sequence.
struct ConvSequence {
  int64_t batch = 0;   // index on the batch axis, 0 where there is none
  int64_t first = 0;   // its first token
  int64_t number = 0;  // for history
  int32_t tokens = 0;  // in use
  int32_t rows = 0;    // written: those past `tokens` are zeros
};

struct ConvPlan {
  DType dtype = DType::f32;
  ConvRows latent, value, delayed;  // read
  ConvRows history;                 // [sequence][halo][C], or null: zeros in front
  ConvRows delayed_history;         // [sequence][hKv d / 2], or null
  ConvRows q, k, v;                 // written

  float const* w1 = nullptr;            // [C, K1]
  float const* b1 = nullptr;            // [C]
  char const* w2 = nullptr;             // [C, d, K2] of w2_dtype
  float const* b2 = nullptr;            // [C]
  float const* tau = nullptr;           // [hKv]
  char const* first_delayed = nullptr;  // [hKv d / 2], dtype of the latents; null: zeros
  DType w2_dtype = DType::f32;

  int32_t heads_q = 0, heads_kv = 0, head_dim = 0, taps_1 = 1, taps_2 = 1;

  int32_t pairs = 0;                      // that turn; 0: none do
  int32_t from_step = 1, from_apart = 0;  // elements of pair t: t * step and t * step + apart
  int32_t to_step = 1, to_apart = 0;
  double const* frequencies = nullptr;  // [pairs], radians per position
  double const* step_cos = nullptr;     // [pairs], of one position
  double const* step_sin = nullptr;
  double cos_factor = 1, sin_factor = 1;
  int32_t const* positions = nullptr;  // null: 0, 1, … in each sequence
  int64_t position_batch = 0, position_token = 0;
  int64_t position_offset = 0;

  ConvSequence const* sequences = nullptr;

  FATTN_HOST_DEVICE int group() const { return heads_q / heads_kv; }
  FATTN_HOST_DEVICE int halo() const { return taps_1 - 1 + taps_2 - 1; }
  FATTN_HOST_DEVICE int64_t half_values() const { return int64_t{heads_kv} * head_dim / 2; }
};

/// Tokens [begin, end) of a sequence, at most kConvTokens, of the heads of some key heads.
struct ConvTask {
  int32_t sequence;
  int32_t begin, end;
  int32_t group_begin, group_end;
};

}  // namespace fattn::cpu
