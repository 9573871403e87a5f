// How the scratch of one thread is divided: everything about the tile at hand, channel by channel,
// so that the lanes of a vector are tokens.
#pragma once

#include "backends/cpu/compressed_conv/plan.h"
#include "backends/cpu/product/layout.h"

namespace fattn::cpu {

constexpr int kConvRows = 6;  // channels of one product, on every path
/// Floats per channel: the halo in front, the tokens, and what a last vector runs over.
constexpr int kConvStride = kConvHalo + kConvTokens + kConvHalo;

struct ConvScratch {
  float* latent;     // [d][kConvStride]: of the head at hand, then what becomes of it
  float* keys;       // [d][kConvStride]: latents of the key head
  float* convolved;  // [d][kConvStride]: after the first convolution
  float* queries;    // [d][kConvStride]: sum over the query heads of the group
  float* weights;    // [kConvRows][d K2]: of the second convolution, widened
  float* cos;        // [pairs][kConvTokens]
  float* sin;
  double* turn_cos;  // [pairs]: of the first of neighbours
  double* turn_sin;
  float* scale;  // [kConvTokens]

  FATTN_HOST_DEVICE static ConvScratch lay_out(Arena& arena, ConvPlan const& plan) {
    int64_t const channels = int64_t{plan.head_dim} * kConvStride;
    ConvScratch s;
    s.latent = arena.take<float>(channels);
    s.keys = arena.take<float>(channels);
    s.convolved = arena.take<float>(channels);
    s.queries = arena.take<float>(channels);
    s.weights = arena.take<float>(int64_t{kConvRows} * plan.head_dim * plan.taps_2);
    s.cos = arena.take<float>(int64_t{plan.pairs} * kConvTokens);
    s.sin = arena.take<float>(int64_t{plan.pairs} * kConvTokens);
    s.turn_cos = arena.take<double>(plan.pairs);
    s.turn_sin = arena.take<double>(plan.pairs);
    s.scale = arena.take<float>(kConvTokens);
    return s;
  }
};

}  // namespace fattn::cpu
