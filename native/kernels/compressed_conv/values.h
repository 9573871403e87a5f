// What a block of the prologue does besides making heads: values, padding, and what it passes on.
#pragma once

#include "kernels/compressed_conv/tile.h"

namespace fattn {

/// A latent of a sequence by its token, which may lie in front of the first.
template <class Element>
FATTN_DEVICE float conv_latent(CompressedConvParams const& p, ConvTile const& tile, int32_t t,
                               int64_t channel) {
  if (t >= 0) return simt::to_float(p.latent.row<Element>(tile.batch, tile.first + t)[channel]);
  int32_t const row = p.halo() + t;
  if (!p.history.data || row < 0) return 0;
  return simt::to_float(p.history.row<Element>(tile.number, row)[channel]);
}

/// The delayed values of token t, which are those of the token before. Null: the rounded bias.
template <class Element>
FATTN_DEVICE Element const* delayed_values(CompressedConvParams const& p, ConvTile const& tile,
                                           int32_t t) {
  if (t > 0) return p.delayed.row<Element>(tile.batch, tile.first + t - 1);
  return p.delayed_history.data ? p.delayed_history.row<Element>(tile.number, 0) : nullptr;
}

template <class Element>
FATTN_DEVICE Element delayed_bias(CompressedConvParams const& p, int64_t at) {
  return simt::round_to<Element>(p.delayed_bias.at<Element>(at));
}

/// Elements of the group's value head: the flat row's first half is current, the rest delayed. A
/// thread moves a Piece at a time, of which heads and halves of rows are made up.
template <class Element, int kThreads, class Piece>
FATTN_DEVICE void shift_values(CompressedConvParams const& p, ConvTile const& tile, int32_t group) {
  constexpr int kWidth = sizeof(Piece) / sizeof(Element);
  int64_t const half = p.half_values();
  int32_t const pieces = p.head_dim / kWidth;
  for (int32_t i = simt::thread_index(); i < tile.used(p.tile_tokens) * pieces; i += kThreads) {
    int32_t const t = tile.begin + i / pieces, c = i % pieces * kWidth;
    int64_t const at = int64_t{group} * p.head_dim + c;
    Element* const out = p.v.row<Element>(tile.batch, tile.first + t, group) + c;
    Element const* from = delayed_values<Element>(p, tile, t);
    if (from) from += at - half;
    if (at < half) from = p.value.row<Element>(tile.batch, tile.first + t) + at;
    if (from) *reinterpret_cast<Piece*>(out) = *reinterpret_cast<Piece const*>(from);
    for (int e = 0; !from && e < kWidth; ++e) out[e] = delayed_bias<Element>(p, at - half + e);
  }
}

/// Zeros in the rows of `head` that are padding.
template <class Element, int kThreads>
FATTN_DEVICE void clear_padding(CompressedConvParams const& p, ConvTile const& tile,
                                TensorRows const& rows, int32_t head) {
  int32_t const used = tile.used(p.tile_tokens);
  int32_t const rest = tile.written(p.tile_tokens) - used;
  for (int32_t i = simt::thread_index(); i < rest * p.head_dim; i += kThreads) {
    int64_t const t = tile.first + tile.begin + used + i / p.head_dim;
    rows.row<Element>(tile.batch, t, head)[i % p.head_dim] = simt::round_to<Element>(0);
  }
}

template <int kThreads>
FATTN_DEVICE void mark_in_use(CompressedConvParams const& p, ConvTile const& tile) {
  if (!p.in_use) return;
  for (int32_t i = simt::thread_index(); i < tile.written(p.tile_tokens); i += kThreads) {
    int64_t const t = tile.begin + i;
    p.in_use[tile.number * p.in_use_sequence + t * p.in_use_token] = t < tile.tokens ? 1.0f : 0.0f;
  }
}

/// What later tokens see of these. Of packed sequences nobody asks for it.
template <class Element, int kThreads>
FATTN_DEVICE void pass_on(CompressedConvParams const& p, ConvTile const& tile) {
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
  Element const* const from = delayed_values<Element>(p, tile, tile.tokens);
  for (int64_t i = simt::thread_index(); delayed && i < p.half_values(); i += kThreads)
    delayed[tile.number * p.next_delayed_sequence + i] =
        from ? from[i] : delayed_bias<Element>(p, i);
}

}  // namespace fattn
