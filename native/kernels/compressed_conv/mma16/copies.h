// What a block of the prologue brings to shared memory.
#pragma once

#include "kernels/compressed_conv/mma16/traits.h"
#include "kernels/mma16/copy.h"
#include "kernels/warp.h"

namespace fattn::mma16 {

/// The latents of one head: row i is the token `halo` in front of the tile's i-th.
template <class Element>
struct LatentRows {
  Element const* tokens;   // row of the sequence's first token
  Element const* history;  // row of the first in front of it; null: zeros
  int64_t token_stride, history_stride;
  int32_t first, count, halo;

  FATTN_DEVICE LatentRows(CompressedConvParams const& p, ConvTile const& tile, int32_t head)
      : tokens(p.latent.row<Element>(tile.batch, tile.first) + int64_t{head} * p.head_dim),
        history(nullptr),
        token_stride(p.latent.token),
        history_stride(p.history.token),
        first(tile.begin - p.halo()),
        count(tile.tokens),
        halo(p.halo()) {
    if (p.history.data)
      history = p.history.row<Element>(tile.number, 0) + int64_t{head} * p.head_dim;
  }

  FATTN_DEVICE bool has(int32_t row) const {
    return first + row < 0 ? history != nullptr : first + row < count;
  }
  FATTN_DEVICE Element const* row(int32_t row) const {
    if (!has(row)) return tokens;
    return first + row < 0 ? history + (halo + first + row) * history_stride
                           : tokens + (first + row) * token_stride;
  }
};

/// Starts copying the latents that `warps` warps multiply; zeros where there are none.
template <class Traits>
FATTN_DEVICE void start_latents(CompressedConvParams const& p, ConvTile const& tile,
                                ConvHead const& head, simt::SharedMemory memory) {
  using Share = CopyShare<Traits::kThreads, Traits::kHeadDim>;
  Share const share;
  LatentRows<typename Traits::Element> const source(p, tile, head.head);
  PanelChunk<Traits::kRows> const target(memory, Traits::kLatents, share.row, share.chunk);
  int32_t const rows = (head.used + 15) / 16 * 16 + head.halo;
  for (int32_t row = 0; share.row + row < rows; row += Share::kStep) {
    bool const has = source.has(share.row + row);
    auto const* const from = source.row(share.row + row) + share.chunk * 8;
    FATTN_UNROLL_DEVICE for (int panel = 0; panel < Traits::kPanels; ++panel)
        simt::copy_async_16(target.at(row, panel * 4), from + panel * 64,
                            has && share.chunk * 8 < p.head_dim - panel * 64);
  }
  simt::commit_copies();
}

/// Rows of the weights of one tap.
template <class Element>
struct TapRows {
  Element const* start;
  int32_t stride, count;

  FATTN_DEVICE bool has(int32_t row) const { return row < count; }
  FATTN_DEVICE Element const* row(int32_t row) const { return start + row * stride; }
};

/// Starts copying the weights of step `step`, if there is one: those of 64 channels and one tap,
/// all taps of some channels before others.
template <class Traits>
FATTN_DEVICE void start_weights(CompressedConvParams const& p, ConvHead const& head, int32_t step,
                                simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  int32_t const d = p.head_dim, channel = step / p.taps_2 * 64, tap = step % p.taps_2;
  if (channel >= d) return;
  int64_t const square = int64_t{d} * d;
  auto const* const taps = static_cast<Element const*>(p.ready_w2) +
                           (int64_t{head.head} * p.taps_2 + tap) * square + channel;
  start_copy<Traits::kThreads, Traits::kHeadDim, 64>(
      memory, Traits::kWeights + step % Traits::kStages * Traits::kStageBytes,
      TapRows<Element>{taps, d, d}, 0, d - channel);
}

/// Puts down the head's small parameters, zeros past its channels, and each warp's bound on y.
template <class Traits>
FATTN_DEVICE void keep_parameters(CompressedConvParams const& p, ConvHead const& head,
                                  simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  constexpr float kLargest = 65504;  // of a latent in float16
  simt::Shared<float> const kept = memory.at<float>(Traits::kParameters);
  int32_t const c = simt::thread_index();
  int64_t const channel = int64_t{head.head} * p.head_dim + c;
  bool const exists = c < p.head_dim;
  float bound = 0;
  for (int32_t r = 0; r < p.taps_1 && c < Traits::kHeadDim; ++r) {
    float const weight = exists ? p.w1.at<Element>(channel * p.taps_1 + r) : 0;
    kept.store(r * Traits::kHeadDim + c, weight);
    bound += weight < 0 ? -weight : weight;
  }
  if (c < Traits::kHeadDim) {
    float const bias = exists ? p.b1.at<Element>(channel) : 0;
    bound += (bias < 0 ? -bias : bias) / kLargest;
    kept.store(p.taps_1 * Traits::kHeadDim + c, bias);
    kept.store((p.taps_1 + 1) * Traits::kHeadDim + c, exists ? p.b2.at<Element>(channel) : 0);
  }
  if constexpr (Traits::kScaled) {
    bound = warp_max(bound);
    if (simt::lane_index() == 0) memory.at<float>(Traits::kBounds).store(simt::warp_index(), bound);
  }
}

/// The power of two, and its inverse, that brings y below the largest float16 whatever the latents.
struct ConvScaling {
  float down = 1, up = 1;
};

template <class Traits>
FATTN_DEVICE ConvScaling scaling_of(simt::SharedMemory memory) {
  if constexpr (!Traits::kScaled) return {};
  float bound = 0;
  FATTN_UNROLL_DEVICE for (int w = 0; w < Traits::kWarps; ++w) bound =
      simt::maximum(bound, memory.at<float>(Traits::kBounds).load(w));
  // Of bounds beyond all reason as much as leaves both powers finite.
  int32_t exponent = static_cast<int32_t>(simt::bits_of(bound) >> 23) - 127 + 1;
  exponent = exponent < -60 ? -60 : exponent > 60 ? 60 : exponent;
  return {simt::float_of_bits(static_cast<uint32_t>(127 - exponent) << 23),
          simt::float_of_bits(static_cast<uint32_t>(127 + exponent) << 23)};
}

}  // namespace fattn::mma16
