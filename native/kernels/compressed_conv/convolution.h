// The two convolutions of a tile and the mean that joins them, head by head, in shared memory.
#pragma once

#include "kernels/compressed_conv/values.h"

namespace fattn {

/// Shared memory of a block, in floats; rows are padded to whole quads, whose rest is zero.
struct ConvShared {
  simt::Shared<float> y;    // [tile + K2 - 1][stride]: after the first convolution
  simt::Shared<float> z;    // [tile][stride]: after the second, with the mean
  simt::Shared<float> cos;  // [tile][pairs]
  simt::Shared<float> sin;
  int32_t stride;

  FATTN_DEVICE ConvShared(CompressedConvParams const& p, simt::SharedMemory memory)
      : stride((p.head_dim + 3) / 4 * 4) {
    int32_t const rows = p.tile_tokens + p.taps_2 - 1;
    y = memory.at<float>(0);
    z = y + rows * stride;
    cos = z + p.tile_tokens * stride;
    sin = cos + p.tile_tokens * p.pairs;
  }
};

/// y for the tile's tokens and the K2 - 1 in front of them, of the head that begins at `channel`.
template <class Element, int kThreads>
FATTN_DEVICE void convolve_depthwise(CompressedConvParams const& p, ConvTile const& tile,
                                     ConvShared const& shared, int64_t channel) {
  int32_t const rows = tile.used(p.tile_tokens) + p.taps_2 - 1;
  for (int32_t i = simt::thread_index(); i < rows * shared.stride; i += kThreads) {
    int32_t const t = tile.begin + i / shared.stride - (p.taps_2 - 1), c = i % shared.stride;
    float sum = 0;
    if (c < p.head_dim) {
      sum = p.b1.at<Element>(channel + c);
      for (int32_t r = 0; r < p.taps_1; ++r) {
        float const weight = p.w1.at<Element>((channel + c) * p.taps_1 + r);
        float const u = conv_latent<Element>(p, tile, t - (p.taps_1 - 1) + r, channel + c);
        sum = simt::fused_multiply_add(weight, u, sum);
      }
    }
    shared.y.store(i, sum);
  }
}

/// Half of what joins channel `c` of a head: its own latent, and that of the other kind. Queries
/// take their key head, a key head the mean of its queries.
template <class Element>
FATTN_DEVICE float conv_mean(CompressedConvParams const& p, Element const* latents, int32_t group,
                             int32_t head, int32_t c) {
  int64_t const own = int64_t{head} * p.head_dim + c;
  int64_t const key = int64_t{p.heads_q + group} * p.head_dim + c;
  if (head < p.heads_q) return (simt::to_float(latents[own]) + simt::to_float(latents[key])) * 0.5f;
  float sum = 0;
  int32_t const count = p.group();
  for (int32_t h = group * count; h < (group + 1) * count; ++h)
    sum += simt::to_float(latents[int64_t{h} * p.head_dim + c]);
  return (sum / static_cast<float>(count) + simt::to_float(latents[own])) * 0.5f;
}

/// z = the second convolution of y plus the mean. A thread makes one channel of kTokens tokens: the
/// lanes of a warp read the same y, four elements at a time.
template <class Element, int kThreads, int kTokens>
FATTN_DEVICE void convolve_grouped(CompressedConvParams const& p, ConvTile const& tile,
                                   ConvShared const& shared, int32_t group, int32_t head) {
  int32_t const d = p.head_dim, used = tile.used(p.tile_tokens);
  int32_t const rows = used + p.taps_2 - 1;
  int32_t const blocks = (used + kTokens - 1) / kTokens;
  for (int32_t i = simt::thread_index(); i < blocks * d; i += kThreads) {
    int32_t const o = i % d, first = i / d * kTokens;
    int64_t const channel = int64_t{head} * d + o;
    float const bias = p.b2.at<Element>(channel);
    float sum[kTokens];
    FATTN_UNROLL for (int n = 0; n < kTokens; ++n) sum[n] = bias;
    for (int32_t r = 0; r < p.taps_2; ++r)
      for (int32_t e = 0; e < d; e += 4) {
        float weight[4];
        FATTN_UNROLL for (int j = 0; j < 4; ++j) {
          bool const there = e + j < d;
          weight[j] = there ? p.w2.at<Element>((channel * d + e + j) * p.taps_2 + r) : 0;
        }
        FATTN_UNROLL for (int n = 0; n < kTokens; ++n) {
          // Past the last row: any row, for a sum that nobody takes.
          int32_t const row = first + n + r < rows ? first + n + r : rows - 1;
          auto const quad = (shared.y + (row * shared.stride + e)).template as<simt::Quad>().load();
          FATTN_UNROLL for (int j = 0; j < 4; ++j) {
            float const y = simt::float_of_bits(quad.word[j]);
            sum[n] = simt::fused_multiply_add(weight[j], y, sum[n]);
          }
        }
      }
    FATTN_UNROLL for (int n = 0; n < kTokens; ++n) {
      if (first + n >= used) continue;
      auto const* const latents =
          p.latent.row<Element>(tile.batch, tile.first + tile.begin + first + n);
      float const mean = conv_mean<Element>(p, latents, group, head, o);
      shared.z.store((first + n) * shared.stride + o, sum[n] + mean);
    }
  }
}

}  // namespace fattn
