#pragma once

#include <cstdint>

#include "core/ops/rope.h"
#include "core/tensor_view.h"

namespace fattn {

constexpr int64_t kMostTaps = 8;  // of each convolution

/// How the factor tau on the keys follows from the parameter (attention-variants 4.3).
enum class TemperatureMode : uint8_t {
  kExp = 0,         // exp(temperature)
  kRaw = 1,         // temperature
  kExpClamped = 2,  // exp(clamp(temperature, 1e-7, 2))
};

/// What compressed convolutional attention does before it attends (attention-variants 4.2): two
/// causal convolutions over [q0 | k0], the mean of queries and keys, norm and temperature,
/// rotation, and the shift of the values.
struct CompressedConvDesc {
  DType dtype = DType::f32;
  bool packed = false;  // latent [t, C] with cu_seq_lens, else [b, s, C]
  int64_t batch = 0;    // sequences
  int64_t seq = 0;      // tokens per sequence; packed: of all
  int64_t heads_q = 0, heads_kv = 0;
  int64_t head_dim = 0;
  int64_t taps_1 = 0, taps_2 = 0;  // K1, K2
  TemperatureMode temperature_mode = TemperatureMode::kExp;
  bool rotates = true;
  RopeDesc rope;

  int64_t channels() const { return (heads_q + heads_kv) * head_dim; }
  int64_t half_values() const { return heads_kv * head_dim / 2; }
  /// Tokens in front of one that its convolutions see.
  int64_t halo() const { return taps_1 - 1 + taps_2 - 1; }
};

/// Undefined views mean: absent. Parameters are f32 or of the dtype of the latents, contiguous.
struct CompressedConvArgs {
  TensorView latent;       // [b, s, C] or packed [t, C], C = (hQ + hKv) d: queries, then keys
  TensorView value;        // x Wv1, [b, s, hKv d / 2] or packed
  TensorView delayed;      // x Wv2 of the token itself: read one token later
  TensorView w1, b1;       // [C, K1], [C]
  TensorView w2, b2;       // [C, d, K2], [C]
  TensorView temperature;  // [hKv]
  TensorView
      delayed_bias;      // [hKv d / 2]: what token 0 takes for the delayed value of a token before
  TensorView positions;  // i32 [b, s], [s] (broadcast in place) or packed [t]; 0, 1, … per sequence
  TensorView cu_seq_lens;      // i32 [b + 1], packed only
  TensorView lengths;          // i32 [b]: tokens in use, the rest gets zeros; not with packed
  TensorView history;          // [b, halo, C]: latents in front of the first token; absent: zeros
  TensorView delayed_history;  // [b, hKv d / 2]: delayed value of the token in front

  TensorView q;             // written: [b, s, hQ, d] or packed [t, hQ, d]
  TensorView k, v;          // written: [b, s, hKv, d] or packed
  TensorView in_use;        // written: f32 [b, s], 1 for tokens in use, 0 for padding
  TensorView next_history;  // written: the history of what follows these tokens
  TensorView next_delayed;  // written: [b, hKv d / 2]
};

/// Fills extents, dtype and `packed` of `desc` from the tensors. Throws ERR_SHAPE where there are
/// too few axes to read them from.
void describe_compressed_conv(CompressedConvArgs const& args, CompressedConvDesc& desc);

/// Last gate before raw pointers. Broadcasts the positions in place.
void check_compressed_conv(CompressedConvDesc const& desc, CompressedConvArgs& args);

/// What the work before the attention costs, from shapes alone.
struct CompressedConvCost {
  double flops = 0;  // of both convolutions: 2 C (K1 + d K2) per token
  double bytes =
      0;  // compulsory: latents, values and parameters read once, q, k and v written once
};
CompressedConvCost compressed_conv_cost(CompressedConvDesc const& desc);

}  // namespace fattn
