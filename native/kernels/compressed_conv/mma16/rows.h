// From the sums of a warp to rows of queries and keys: the mean, the norm and the turn.
#pragma once

#include "kernels/compressed_conv/mma16/product.h"
#include "kernels/compressed_conv/norm.h"
#include "kernels/warp.h"

namespace fattn::mma16 {

/// Eight rows of the warp's results, in float32, where weights were. A row's pairs are exchanged by
/// the row: fragments store pairs of eight rows, and rows are read a pair per lane, with every bank
/// in use once either way.
template <class Traits>
struct StagedRows {
  uint32_t address;

  FATTN_DEVICE explicit StagedRows(simt::SharedMemory memory)
      : address(memory.address +
                static_cast<uint32_t>(Traits::kWeights +
                                      simt::warp_index() * 8 * Traits::kHeadDim * 4)) {}

  FATTN_DEVICE simt::Shared<float> at(int row, int32_t c) const {
    return {address + static_cast<uint32_t>((row * Traits::kHeadDim + (c ^ row % 4 * 8)) * 4)};
  }
  FATTN_DEVICE simt::Shared<FloatPair> pair(int row, int32_t c) const {
    return at(row, c).template as<FloatPair>();
  }
};

/// Puts down rows 8 half … 8 half + 7 of the warp's sums.
template <class Traits>
FATTN_DEVICE void stage_rows(ConvSums<Traits> const& sums, int half, float up,
                             StagedRows<Traits> const& staged) {
  int const row = simt::lane_index() / 4, column = simt::lane_index() % 4 * 2;
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kTiles; ++n) staged.pair(row, 8 * n + column)
      .store(0, {sums.at[n][2 * half] * up, sums.at[n][2 * half + 1] * up});
}

/// What joins the channels of a head besides its own latents, as pairs of the lane: channels 64 j +
/// 2 lane of one token. A query takes its key head, a key head the mean of its queries. Other
/// blocks bring these from memory as their own at the same time: they come from the cache.
template <class Traits>
FATTN_DEVICE FloatPair other_latents(CompressedConvParams const& p, ConvHead const& head,
                                     typename Traits::Element const* latents, int32_t c) {
  using Element = typename Traits::Element;
  auto const pair_at = [&](int32_t from) {
    auto const* const words = latents + int64_t{from} * p.head_dim + c;
    return widened<Element>(*reinterpret_cast<uint32_t const*>(words));
  };
  if (head.is_query) return pair_at(p.heads_q + head.group);
  FloatPair sum{};
  int32_t const count = p.group();
  for (int32_t h = head.group * count; h < (head.group + 1) * count; ++h) {
    FloatPair const next = pair_at(h);
    sum.at[0] += next.at[0], sum.at[1] += next.at[1];
  }
  return {sum.at[0] / static_cast<float>(count), sum.at[1] / static_cast<float>(count)};
}

/// Rows that a warp works on side by side, so that one waits for memory while others do.
constexpr int kRowsAtOnce = 4;

/// Adds bias and mean to kRowsAtOnce staged rows from `first` on, which are the tile's tokens from
/// `token` on, and finds what makes them as long as they are to be.
template <class Traits>
FATTN_DEVICE void join_rows(CompressedConvParams const& p, ConvTile const& tile,
                            ConvHead const& head, simt::SharedMemory memory,
                            StagedRows<Traits> const& staged, int first, int32_t token,
                            float factor, float (&scales)[kRowsAtOnce]) {
  using Element = typename Traits::Element;
  int const lane = simt::lane_index();
  auto const biases =
      memory.at<FloatPair>(Traits::kParameters) + (p.taps_1 + 1) * (Traits::kHeadDim / 2);
  float squares[kRowsAtOnce] = {};
  FATTN_UNROLL_DEVICE for (int j = 0; j < Traits::kPanels; ++j) {
    int32_t const c = 64 * j + 2 * lane;
    if (c >= p.head_dim) continue;
    FloatPair const bias = biases.load(c / 2);
    FloatPair other[kRowsAtOnce] = {};
    FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) {
      if (token + i >= head.used) continue;
      auto const* const latents =
          p.latent.row<Element>(tile.batch, tile.first + tile.begin + token + i);
      other[i] = other_latents<Traits>(p, head, latents, c);
    }
    FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) {
      PanelChunk<Traits::kRows> const row(memory, Traits::kLatents, token + i + head.halo,
                                          lane / 4);
      FloatPair const own =
          widened<Element>(row.at(0, 4 * j).template as<uint32_t>().load(lane % 4));
      simt::Shared<FloatPair> const at = staged.pair(first + i, c);
      FloatPair z = at.load();
      FATTN_UNROLL_DEVICE for (int e = 0; e < 2; ++e) {
        z.at[e] += bias.at[e] + (own.at[e] + other[i].at[e]) * 0.5f;
        squares[i] = simt::fused_multiply_add(z.at[e], z.at[e], squares[i]);
      }
      at.store(0, z);
    }
  }
  FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) scales[i] =
      conv_scale(p, warp_sum(squares[i]), factor);
}

/// Writes these rows, scaled and turned.
template <class Traits>
FATTN_DEVICE void write_rows(CompressedConvParams const& p, ConvTile const& tile,
                             ConvHead const& head, StagedRows<Traits> const& staged, int first,
                             int32_t token, float const (&scales)[kRowsAtOnce]) {
  using Element = typename Traits::Element;
  int32_t const rows = head.used - token < kRowsAtOnce ? head.used - token : kRowsAtOnce;
  int64_t const t = tile.begin + token;
  TensorRows const& tensor = head.is_query ? p.q : p.k;
  Element* const out =
      tensor.row<Element>(tile.batch, tile.first + t, head.is_query ? head.head : head.group);
  ConvTurn const* const turns = p.turns + p.turn_row(tile.batch, tile.first, t) * p.pairs;
  FATTN_ROLLED_DEVICE for (int32_t pair = simt::lane_index(); pair < p.pairs;
                           pair += simt::kWarpSize) {
    ConvTurn turn[kRowsAtOnce] = {};
    FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) if (i < rows) turn[i] =
        turns[int64_t{i} * p.pairs + pair];
    FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) {
      if (i >= rows) continue;
      float const u = staged.at(first + i, pair * p.from_step).load() * scales[i];
      float const w = staged.at(first + i, pair * p.from_step + p.from_apart).load() * scales[i];
      Element* const to = out + i * tensor.token + pair * p.to_step;
      to[0] = simt::round_to<Element>(u * turn[i].cos - w * turn[i].sin);
      to[p.to_apart] = simt::round_to<Element>(w * turn[i].cos + u * turn[i].sin);
    }
  }
  FATTN_UNROLL_DEVICE for (int i = 0; i < kRowsAtOnce; ++i) {
    if (i >= rows) continue;
    for (int32_t c = 2 * p.pairs + simt::lane_index(); c < p.head_dim; c += simt::kWarpSize)
      out[i * tensor.token + c] =
          simt::round_to<Element>(staged.at(first + i, c).load() * scales[i]);
  }
}

/// All of the warp's tokens.
template <class Traits>
FATTN_DEVICE void finish_rows(CompressedConvParams const& p, ConvTile const& tile,
                              ConvHead const& head, simt::SharedMemory memory,
                              ConvSums<Traits> const& sums, float up) {
  StagedRows<Traits> const staged(memory);
  float const factor =
      head.is_query ? 1.0f : conv_temperature<typename Traits::Element>(p, head.group);
  FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    stage_rows<Traits>(sums, half, up, staged);
    simt::sync_warp();  // the warp's fragments have become rows
    FATTN_ROLLED_DEVICE for (int first = 0; first < 8; first += kRowsAtOnce) {
      int32_t const token = 16 * simt::warp_index() + 8 * half + first;
      if (token >= head.used) continue;
      float scales[kRowsAtOnce];
      join_rows<Traits>(p, tile, head, memory, staged, first, token, factor, scales);
      simt::sync_warp();  // pairs have been joined by other lanes than those that turn them
      write_rows<Traits>(p, tile, head, staged, first, token, scales);
    }
    simt::sync_warp();  // the rows are written before others take their place
  }
}

}  // namespace fattn::mma16
