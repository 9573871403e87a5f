// The prologue of compressed convolutional attention (attention-variants 4.2): one block per tile
// of tokens and key head, with the query heads of its group, which the mean couples; or per head.
#pragma once

#include "kernels/compressed_conv/convolution.h"
#include "kernels/compressed_conv/norm.h"
#include "kernels/warp.h"

namespace fattn {

/// Any head dim whose tile of one token fits shared memory, any element type, no tensor cores. The
/// grid has one axis: tiles times key heads, the heads of a tile side by side; by head, where few
/// tiles leave multiprocessors idle, tiles times all heads, each of which makes the turns anew.
template <class Element>
struct CompressedConv {
  using Params = CompressedConvParams;
  static constexpr int kThreads = kConvThreads;
  static constexpr int kMinBlocks = 2;
  static constexpr int kWarps = kThreads / simt::kWarpSize;
  static constexpr int kTokens = 16, kFewTokens = 4;  // of one channel, per thread
  static constexpr int kMostTileTokens = 32;
  static constexpr int kSharedBytes = kConvSharedBytes;

  /// Tokens of a tile, at most kMostTileTokens and what shared memory holds; 0: not even one.
  FATTN_HOST_DEVICE static int32_t tile_tokens(int32_t head_dim, int32_t pairs, int32_t taps_2) {
    int32_t tokens = kMostTileTokens;
    while (tokens > 0 && ConvShared::bytes(tokens, head_dim, pairs, taps_2) > kSharedBytes)
      tokens /= 2;
    return tokens;
  }

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int64_t const index = simt::block_index().x;
    int32_t const units = p.by_head ? p.heads_q + p.heads_kv : p.heads_kv;
    ConvTile const tile = conv_tile(p, index / units);
    if (!tile.exists) return;
    Share const share(p, static_cast<int32_t>(index % units));
    ConvShared const shared(p, memory);
    if (tile.used(p.tile_tokens) > 0) {
      set_turns(p, tile, shared);
      for (int32_t h = share.first; h < share.end; ++h) make_head(p, tile, shared, share.group, h);
      if (share.keys) make_head(p, tile, shared, share.group, p.heads_q + share.group);
    }
    for (int32_t h = share.first; h < share.end; ++h)
      clear_padding<Element, kThreads>(p, tile, p.q, h);
    if (!share.keys) return;
    shift_values<Element, kThreads, Element>(p, tile, share.group);
    clear_padding<Element, kThreads>(p, tile, p.k, share.group);
    clear_padding<Element, kThreads>(p, tile, p.v, share.group);
    if (share.group > 0) return;
    mark_in_use<kThreads>(p, tile);
    if (tile.begin == 0) pass_on<Element, kThreads>(p, tile);
  }

 private:
  /// Heads of a block: query heads `first` … `end` - 1 and, or not, the key and value head.
  struct Share {
    int32_t group, first, end;
    bool keys;

    FATTN_DEVICE Share(Params const& p, int32_t unit)
        : group(unit), first(unit * p.group()), end(first + p.group()), keys(true) {
      if (!p.by_head) return;
      keys = unit >= p.heads_q;
      group = keys ? unit - p.heads_q : unit / p.group();
      first = keys ? 0 : unit;
      end = keys ? 0 : unit + 1;
    }
  };

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
    convolve_depthwise<Element>(p, tile, shared, int64_t{head} * p.head_dim);
    simt::sync_block();
    if (tile.used(p.tile_tokens) > kFewTokens)
      convolve_grouped<Element, kTokens>(p, tile, shared, group, head);
    else
      convolve_grouped<Element, kFewTokens>(p, tile, shared, group, head);
    simt::sync_block();
    bool const is_query = head < p.heads_q;
    float const factor = is_query ? 1.0f : conv_temperature<Element>(p, group);
    for (int32_t i = simt::warp_index(); i < tile.used(p.tile_tokens); i += kWarps) {
      int64_t const t = tile.first + tile.begin + i;
      Element* const out =
          is_query ? p.q.row<Element>(tile.batch, t, head) : p.k.row<Element>(tile.batch, t, group);
      normalise_and_turn(p, shared, i, factor, out);
    }
  }

  /// Token i of the tile, by one warp.
  FATTN_DEVICE static void normalise_and_turn(Params const& p, ConvShared const& shared, int32_t i,
                                              float factor, Element* out) {
    simt::Shared<float> const z = shared.z + i * shared.stride;
    float sum = 0;
    for (int32_t c = simt::lane_index(); c < p.head_dim; c += simt::kWarpSize)
      sum = simt::fused_multiply_add(z.load(c), z.load(c), sum);
    float const scale = conv_scale(p, warp_sum(sum), factor);
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
};

}  // namespace fattn
