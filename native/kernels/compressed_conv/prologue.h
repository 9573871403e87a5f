// The prologue of compressed convolutional attention (attention-variants 4.2): one block per tile
// of tokens and key head, with the query heads of its group, which the mean couples.
#pragma once

#include "kernels/compressed_conv/convolution.h"
#include "kernels/square_root.h"
#include "kernels/warp.h"

namespace fattn {

/// Any head dim whose tile of one token fits shared memory, any element type, no tensor cores. The
/// grid has one axis: tiles times key heads, the heads of a tile side by side.
template <class Element>
struct CompressedConv {
  using Params = CompressedConvParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 2;
  static constexpr int kWarps = kThreads / simt::kWarpSize;
  static constexpr int kTokens = 8;  // of one channel, per thread
  static constexpr int kMostTileTokens = 32;
  static constexpr int kSharedBytes = 64 * 1024;

  /// Tokens of a tile, at most kMostTileTokens and what shared memory holds; 0: not even one.
  FATTN_HOST_DEVICE static int32_t tile_tokens(int32_t head_dim, int32_t pairs, int32_t taps_2) {
    int32_t tokens = kMostTileTokens;
    while (tokens > 0 && shared_bytes(tokens, head_dim, pairs, taps_2) > kSharedBytes) tokens /= 2;
    return tokens;
  }

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int64_t const index = simt::block_index().x;
    int32_t const group = static_cast<int32_t>(index % p.heads_kv);
    ConvTile const tile = conv_tile(p, index / p.heads_kv);
    if (!tile.exists) return;
    ConvShared const shared(p, memory);
    if (tile.used(p.tile_tokens) > 0) {
      set_turns(p, tile, shared);
      for (int32_t h = 0; h < p.group(); ++h)
        make_head(p, tile, shared, group, group * p.group() + h);
      make_head(p, tile, shared, group, p.heads_q + group);
    }
    shift_values(p, tile, group);
    clear_padding(p, tile, group);
    if (group > 0) return;
    mark_in_use(p, tile);
    if (tile.begin == 0) pass_on(p, tile);
  }

 private:
  FATTN_HOST_DEVICE static int64_t shared_bytes(int64_t tokens, int64_t head_dim, int64_t pairs,
                                                int64_t taps_2) {
    int64_t const stride = (head_dim + 3) / 4 * 4;
    return 4 * ((2 * tokens + taps_2 - 1) * stride + 2 * tokens * pairs);
  }

  /// Cosines and sines, which all heads of the block share.
  FATTN_DEVICE static void set_turns(Params const& p, ConvTile const& tile,
                                     ConvShared const& shared) {
    for (int32_t i = simt::thread_index(); i < tile.used(p.tile_tokens) * p.pairs; i += kThreads) {
      int64_t const t = tile.begin + i / p.pairs;
      int64_t const position =
          p.positions.data ? p.positions.at(tile.batch, tile.first + t) : t + p.positions.offset;
      SinCos const turn =
          sincos_of_large(static_cast<double>(position) * p.frequencies[i % p.pairs]);
      shared.cos.store(i, static_cast<float>(turn.cos * p.cos_factor));
      shared.sin.store(i, static_cast<float>(turn.sin * p.sin_factor));
    }
  }

  /// One head, from its latents to its rows in memory. The barriers: y is complete before it is
  /// convolved; z before it is normalised, with the turns; both read before the next head writes.
  FATTN_DEVICE static void make_head(Params const& p, ConvTile const& tile,
                                     ConvShared const& shared, int32_t group, int32_t head) {
    convolve_depthwise<Element, kThreads>(p, tile, shared, int64_t{head} * p.head_dim);
    simt::sync_block();
    convolve_grouped<Element, kThreads, kTokens>(p, tile, shared, group, head);
    simt::sync_block();
    bool const is_query = head < p.heads_q;
    float const factor = is_query ? 1.0f : tau(p, group);
    for (int32_t i = simt::warp_index(); i < tile.used(p.tile_tokens); i += kWarps) {
      int64_t const t = tile.first + tile.begin + i;
      Element* const out =
          is_query ? p.q.row<Element>(tile.batch, t, head) : p.k.row<Element>(tile.batch, t, group);
      normalise_and_turn(p, shared, i, factor, out);
    }
  }

  /// In double: an error of tau is one of every element of its keys.
  FATTN_DEVICE static float tau(Params const& p, int32_t group) {
    constexpr double kE = 2.718281828459045;
    float x = p.temperature.at<Element>(group);
    if (p.temperature_mode == ConvTemperature::kRaw) return x;
    if (p.temperature_mode == ConvTemperature::kExpClamped) x = x < 1e-7f ? 1e-7f : x > 2 ? 2 : x;
    return static_cast<float>(simt::power(kE, static_cast<double>(x)));
  }

  /// Token i of the tile, by one warp.
  FATTN_DEVICE static void normalise_and_turn(Params const& p, ConvShared const& shared, int32_t i,
                                              float factor, Element* out) {
    simt::Shared<float> const z = shared.z + i * shared.stride;
    float sum = 0;
    for (int32_t c = simt::lane_index(); c < p.head_dim; c += simt::kWarpSize)
      sum = simt::fused_multiply_add(z.load(c), z.load(c), sum);
    float const d = static_cast<float>(p.head_dim);
    float const scale = factor * square_root(d / (warp_sum(sum) + 1e-12f));
    for (int32_t t = simt::lane_index(); t < p.pairs; t += simt::kWarpSize) {
      float const cos = shared.cos.load(i * p.pairs + t), sin = shared.sin.load(i * p.pairs + t);
      float const u = z.load(t * p.from_step) * scale;
      float const w = z.load(t * p.from_step + p.from_apart) * scale;
      out[t * p.to_step] = simt::round_to<Element>(u * cos - w * sin);
      out[t * p.to_step + p.to_apart] = simt::round_to<Element>(w * cos + u * sin);
    }
    for (int32_t c = 2 * p.pairs + simt::lane_index(); c < p.head_dim; c += simt::kWarpSize)
      out[c] = simt::round_to<Element>(z.load(c) * scale);
  }

  /// Elements of the group's value head: the flat row's first half is current, the rest delayed.
  FATTN_DEVICE static void shift_values(Params const& p, ConvTile const& tile, int32_t group) {
    int64_t const half = p.half_values();
    for (int32_t i = simt::thread_index(); i < tile.used(p.tile_tokens) * p.head_dim;
         i += kThreads) {
      int32_t const t = tile.begin + i / p.head_dim, c = i % p.head_dim;
      int64_t const at = int64_t{group} * p.head_dim + c;
      Element* const out = p.v.row<Element>(tile.batch, tile.first + t, group) + c;
      *out = at < half ? p.value.row<Element>(tile.batch, tile.first + t)[at]
                       : delayed_value(p, tile, t, at - half);
    }
  }

  /// Element of the delayed value of token t, which is that of the token before.
  FATTN_DEVICE static Element delayed_value(Params const& p, ConvTile const& tile, int32_t t,
                                            int64_t at) {
    if (t > 0) return p.delayed.row<Element>(tile.batch, tile.first + t - 1)[at];
    if (p.delayed_history.data) return p.delayed_history.row<Element>(tile.number, 0)[at];
    return simt::round_to<Element>(p.delayed_bias.at<Element>(at));
  }

  FATTN_DEVICE static void clear_padding(Params const& p, ConvTile const& tile, int32_t group) {
    int32_t const used = tile.used(p.tile_tokens);
    int32_t const rest = tile.written(p.tile_tokens) - used;
    Element const zero = simt::round_to<Element>(0);
    for (int32_t i = simt::thread_index(); i < rest * p.head_dim; i += kThreads) {
      int64_t const t = tile.first + tile.begin + used + i / p.head_dim;
      int32_t const c = i % p.head_dim;
      p.k.row<Element>(tile.batch, t, group)[c] = zero;
      p.v.row<Element>(tile.batch, t, group)[c] = zero;
      for (int32_t h = group * p.group(); h < (group + 1) * p.group(); ++h)
        p.q.row<Element>(tile.batch, t, h)[c] = zero;
    }
  }

  FATTN_DEVICE static void mark_in_use(Params const& p, ConvTile const& tile) {
    if (!p.in_use) return;
    for (int32_t i = simt::thread_index(); i < tile.written(p.tile_tokens); i += kThreads) {
      int64_t const t = tile.begin + i;
      p.in_use[tile.number * p.in_use_sequence + t * p.in_use_token] =
          t < tile.tokens ? 1.0f : 0.0f;
    }
  }

  /// What later tokens see of these. Of packed sequences nobody asks for it.
  FATTN_DEVICE static void pass_on(Params const& p, ConvTile const& tile) {
    int64_t const count = int64_t{p.halo()} * p.channels();
    auto* const history = static_cast<Element*>(p.next_history);
    for (int64_t i = simt::thread_index(); history && i < count; i += kThreads) {
      int32_t const row = static_cast<int32_t>(i / p.channels());
      int64_t const c = i % p.channels();
      // The value is one of the element type: rounding it again changes nothing.
      float const latent = conv_latent<Element>(p, tile, tile.tokens - p.halo() + row, c);
      history[tile.number * p.next_history_sequence + row * p.next_history_token + c] =
          simt::round_to<Element>(latent);
    }
    auto* const delayed = static_cast<Element*>(p.next_delayed);
    for (int64_t i = simt::thread_index(); delayed && i < p.half_values(); i += kThreads)
      delayed[tile.number * p.next_delayed_sequence + i] = delayed_value(p, tile, tile.tokens, i);
  }
};

}  // namespace fattn
