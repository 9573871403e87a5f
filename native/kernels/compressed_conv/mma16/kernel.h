// The prologue of compressed convolutional attention on tensor cores, f16 and bf16, sm_80 and
// later.
#pragma once

#include "kernels/compressed_conv/mma16/rows.h"

namespace fattn {

/// Head dims up to kHeadDim, latents and w2 of Element, rows of latents and values `in_quads()`; of
/// CompressedConvPrepare weights and turns. The grid has one axis: tiles times heads, queries and
/// keys, the heads of a tile side by side, since they look at one another's latents.
template <class Element, int kHeadDim>
struct Mma16CompressedConv {
  using Traits = mma16::ConvTraits<Element, kHeadDim>;
  using Params = CompressedConvParams;
  static constexpr int kTileTokens = Traits::kTokens;
  static constexpr int kThreads = Traits::kThreads;
  static constexpr int kMinBlocks = Traits::kMinBlocks;
  static constexpr int kSharedBytes = Traits::kSharedBytes;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int32_t const heads = p.heads_q + p.heads_kv;
    int64_t const index = simt::block_index().x;
    ConvTile const tile = conv_tile(p, index / heads);
    if (!tile.exists) return;
    mma16::ConvHead head{};
    head.head = static_cast<int32_t>(index % heads);
    head.is_query = head.head < p.heads_q;
    head.group = head.is_query ? head.head / p.group() : head.head - p.heads_q;
    head.used = tile.used(kTileTokens);
    head.halo = p.halo();
    if (head.used > 0) {
      mma16::start_latents<Traits>(p, tile, head, memory);
      mma16::start_weights<Traits>(p, head, 0, memory);
      mma16::keep_parameters<Traits>(p, head, memory);
    }
    do_the_rest(p, tile, head);  // while the copies are on their way
    if (head.used > 0) make_head(p, tile, head, memory);
  }

 private:
  FATTN_DEVICE static void make_head(Params const& p, ConvTile const& tile,
                                     mma16::ConvHead const& head, simt::SharedMemory memory) {
    mma16::ConvScaling scaling;
    if constexpr (Traits::kScaled) {
      simt::sync_block();  // every warp's bound is there
      scaling = mma16::scaling_of<Traits>(memory);
    }
    mma16::ConvSums<Traits> sums;
    mma16::convolve<Traits>(p, head, memory, scaling.down, sums);
    simt::sync_block();  // every warp is done with the weights, whose place the rows take
    mma16::finish_rows<Traits>(p, tile, head, memory, sums, scaling.up);
  }

  /// Values, padding, and what is passed on.
  FATTN_DEVICE static void do_the_rest(Params const& p, ConvTile const& tile,
                                       mma16::ConvHead const& head) {
    if (head.is_query) {
      clear_padding<Element, kThreads>(p, tile, p.q, head.head);
      return;
    }
    shift_values<Element, kThreads, simt::Quad>(p, tile, head.group);
    clear_padding<Element, kThreads>(p, tile, p.k, head.group);
    clear_padding<Element, kThreads>(p, tile, p.v, head.group);
    if (head.group > 0) return;
    mark_in_use<kThreads>(p, tile);
    if (tile.begin == 0) pass_on<Element, kThreads>(p, tile);
  }
};

/// Whether the rows that a block copies are made of aligned pieces of 16 bytes.
FATTN_HOST_DEVICE bool in_quads(CompressedConvParams const& p) {
  auto tokens = [](ConvTokens const& t) {
    return reinterpret_cast<uintptr_t>(t.data) % 16 == 0 && (t.sequence | t.token) % 8 == 0;
  };
  bool const values = reinterpret_cast<uintptr_t>(p.v.data) % 16 == 0 &&
                      (p.v.batch | p.v.token | p.v.head) % 8 == 0;
  return tokens(p.latent) && tokens(p.history) && tokens(p.value) && tokens(p.delayed) &&
         tokens(p.delayed_history) && values && p.head_dim % 8 == 0 &&
         int64_t{p.heads_kv} * p.head_dim / 2 % 8 == 0;
}

}  // namespace fattn
