// The two convolutions of a tile and the mean that joins them, head by head, in shared memory.
#pragma once

#include "kernels/compressed_conv/values.h"

namespace fattn {

constexpr int kConvThreads = 256;            // of a block
constexpr int kConvSharedBytes = 81 * 1024;  // of a block at most

/// Shared memory of a block, in floats; rows are padded to whole quads, whose rest is zero.
struct ConvShared {
  simt::Shared<float> y;    // [tile + K2 - 1][stride]: after the first convolution
  simt::Shared<float> z;    // [tile][stride]: after the second, with the mean
  simt::Shared<float> cos;  // [tile][pairs]
  simt::Shared<float> sin;
  simt::Shared<float> weights;  // [2][4 K2][slots]: see ConvWeights
  int32_t stride;
  int32_t outputs, slots;  // that have weights at a time, and places for these

  FATTN_DEVICE ConvShared(CompressedConvParams const& p, simt::SharedMemory memory)
      : stride((p.head_dim + 3) / 4 * 4), outputs(p.outputs), slots(slots_of(outputs)) {
    int32_t const rows = p.tile_tokens + p.taps_2 - 1;
    y = memory.at<float>(0);
    z = y + rows * stride;
    cos = z + p.tile_tokens * stride;
    sin = cos + p.tile_tokens * p.pairs;
    weights = sin + p.tile_tokens * p.pairs;
  }

  /// Of tiles of `tokens`.
  FATTN_HOST_DEVICE static int64_t bytes(int64_t tokens, int32_t head_dim, int64_t pairs,
                                         int64_t taps_2) {
    return bytes_with(outputs_of(head_dim, pairs, taps_2), tokens, head_dim, pairs, taps_2);
  }

  /// How many have weights at a time. One per thread, or all of a head; fewer, for which threads
  /// wait, only where the weights would leave no room for a token.
  FATTN_HOST_DEVICE static int32_t outputs_of(int32_t head_dim, int64_t pairs, int64_t taps_2) {
    int32_t outputs = head_dim < kConvThreads ? head_dim : kConvThreads;
    while (outputs > simt::kWarpSize &&
           bytes_with(outputs, 1, head_dim, pairs, taps_2) > kConvSharedBytes)
      outputs = (outputs + 1) / 2;
    return outputs;
  }

 private:
  FATTN_HOST_DEVICE static int64_t bytes_with(int32_t outputs, int64_t tokens, int32_t head_dim,
                                              int64_t pairs, int64_t taps_2) {
    int64_t const stride = (head_dim + 3) / 4 * 4;
    return 4 * ((2 * tokens + taps_2 - 1) * stride + 2 * tokens * pairs +
                2 * 4 * taps_2 * slots_of(outputs));
  }

  /// Four more than whole rounds of the banks: weights of a channel, which lie side by side in
  /// memory, and of neighbours go to different ones.
  FATTN_HOST_DEVICE static int32_t slots_of(int32_t outputs) {
    return (outputs + 31) / 32 * 32 + 4;
  }
};

/// y for the tile's tokens and the K2 - 1 in front of them, of the head that begins at `channel`.
template <class Element>
FATTN_DEVICE void convolve_depthwise(CompressedConvParams const& p, ConvTile const& tile,
                                     ConvShared const& shared, int64_t channel) {
  int32_t const rows = tile.used(p.tile_tokens) + p.taps_2 - 1;
  for (int32_t i = simt::thread_index(); i < rows * shared.stride; i += kConvThreads) {
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

/// Weights of four channels and all taps for as many outputs as there are slots, two stages of
/// them. In memory the weights of an output lie side by side and those of the next a row further,
/// where threads that each make an output would read them from as many lines as there are lanes.
template <class Element>
struct ConvWeights {
  CompressedConvParams const& p;
  ConvShared const& shared;
  int64_t first_channel;  // of the head
  int32_t first;          // output, of shared.outputs, round and round

  /// A head's outputs from that of thread 0 on; where all of them fit, in order.
  FATTN_DEVICE ConvWeights(CompressedConvParams const& p, ConvShared const& shared, int32_t head,
                           int32_t first_item)
      : p(p),
        shared(shared),
        first_channel(int64_t{head} * p.head_dim),
        first(all_fit() ? 0 : first_item % p.head_dim) {}

  FATTN_DEVICE int32_t slot_of(int32_t output) const {
    return all_fit() ? output : simt::thread_index();
  }
  FATTN_DEVICE simt::Shared<float> stage(int32_t quad) const {
    return shared.weights + quad % 2 * 4 * p.taps_2 * shared.slots;
  }

  /// Starts bringing channels 4 quad … 4 quad + 3; zeros past the last. There for all threads after
  /// wait_copies and a barrier.
  FATTN_DEVICE void start(int32_t quad) const {
    int32_t const width = 4 * p.taps_2, left = (p.head_dim - 4 * quad) * p.taps_2;
    for (int32_t i = simt::thread_index(); i < shared.outputs * width; i += kConvThreads) {
      int32_t const slot = i / width, column = i % width;
      int64_t const output = first_channel + (first + slot) % p.head_dim;
      int64_t const at = (output * p.head_dim + 4 * quad) * p.taps_2 + column;
      simt::Shared<float> const target = stage(quad) + (column * shared.slots + slot);
      bool const there = column < left;
      if (p.w2.is_f32)
        simt::copy_async_small<4>(target.address, static_cast<float const*>(p.w2.data) + at, there);
      else
        target.store(0, there ? p.w2.at<Element>(at) : 0);
    }
    simt::commit_copies();
  }

 private:
  FATTN_DEVICE bool all_fit() const { return shared.outputs == p.head_dim; }
};

/// z = the second convolution of y plus the mean. A thread makes one channel of kTokens tokens: the
/// lanes of a warp read the same y, four elements at a time.
template <class Element, int kTokens>
FATTN_DEVICE void convolve_grouped(CompressedConvParams const& p, ConvTile const& tile,
                                   ConvShared const& shared, int32_t group, int32_t head) {
  int32_t const d = p.head_dim, used = tile.used(p.tile_tokens);
  int32_t const rows = used + p.taps_2 - 1;
  int32_t const items = (used + kTokens - 1) / kTokens * d;
  int32_t const at_once = shared.outputs == d ? kConvThreads : shared.outputs;
  for (int32_t first_item = 0; first_item < items; first_item += at_once) {
    if (first_item > 0) simt::sync_block();  // all are done with the last weights
    ConvWeights<Element> const weights(p, shared, head, first_item);
    weights.start(0);
    int32_t const i = simt::thread_index() < at_once ? first_item + simt::thread_index() : items;
    int32_t const o = i % d, first = i / d * kTokens;
    float const bias = p.b2.at<Element>(int64_t{head} * d + o);
    float sum[kTokens];
    FATTN_UNROLL for (int n = 0; n < kTokens; ++n) sum[n] = bias;
    for (int32_t quad = 0; 4 * quad < d; ++quad) {
      simt::wait_copies<0>();
      simt::sync_block();  // these weights are there, and the last are used
      if (4 * (quad + 1) < d) weights.start(quad + 1);
      for (int32_t r = 0; r < p.taps_2 && i < items; ++r) {
        float weight[4];
        FATTN_UNROLL for (int j = 0; j < 4; ++j) weight[j] =
            weights.stage(quad).load((j * p.taps_2 + r) * shared.slots + weights.slot_of(o));
        FATTN_UNROLL for (int n = 0; n < kTokens; ++n) {
          // Past the last row: any row, for a sum that nobody takes.
          int32_t const row = first + n + r < rows ? first + n + r : rows - 1;
          auto const four =
              (shared.y + (row * shared.stride + 4 * quad)).template as<simt::Quad>().load();
          FATTN_UNROLL for (int j = 0; j < 4; ++j) {
            float const y = simt::float_of_bits(four.word[j]);
            sum[n] = simt::fused_multiply_add(weight[j], y, sum[n]);
          }
        }
      }
    }
    FATTN_UNROLL for (int n = 0; n < kTokens; ++n) {
      if (i >= items || first + n >= used) continue;
      auto const* const latents =
          p.latent.row<Element>(tile.batch, tile.first + tile.begin + first + n);
      float const mean = conv_mean<Element>(p, latents, group, head, o);
      shared.z.store((first + n) * shared.stride + o, sum[n] + mean);
    }
  }
}

}  // namespace fattn
