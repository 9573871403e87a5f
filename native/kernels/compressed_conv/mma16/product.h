// The second convolution of a warp's tokens, from latents in shared memory to sums in registers.
#pragma once

#include "kernels/compressed_conv/mma16/copies.h"
#include "kernels/mma16/panel.h"

namespace fattn::mma16 {

template <class Traits>
struct ConvSums {
  float at[Traits::kTiles][4];
};

/// y of 16 tokens and 16 channels, as the sum of two fragments of 16-bit elements.
struct SplitFragment {
  simt::Fragment high, low;
};

template <class Traits>
FATTN_DEVICE SplitFragment split(FloatPair const (&y)[4], float down) {
  using Element = typename Traits::Element;
  SplitFragment result;
  FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) {
    float const a = Traits::kScaled ? y[i].at[0] * down : y[i].at[0];
    float const b = Traits::kScaled ? y[i].at[1] * down : y[i].at[1];
    result.high.word[i] = simt::pack<Element>(a, b);
    FloatPair const high = widened<Element>(result.high.word[i]);
    result.low.word[i] = simt::pack<Element>(a - high.at[0], b - high.at[1]);
  }
  return result;
}

/// The first convolution of 16 channels from `channel` on, for the fragment's tokens. `first_row`:
/// of the latents, the lane's first row and the first tap.
template <class Traits>
FATTN_DEVICE SplitFragment convolved(CompressedConvParams const& p, simt::SharedMemory memory,
                                     int32_t first_row, int32_t channel, float down) {
  constexpr int kPairs = Traits::kHeadDim / 2;
  int const column = simt::lane_index() % 4;
  // Pairs of parameters: those of the fragment's columns 2 column, and 8 further.
  auto const parameters = memory.at<FloatPair>(Traits::kParameters) + (channel / 2 + column);
  FloatPair const low_bias = parameters.load(p.taps_1 * kPairs);
  FloatPair const high_bias = parameters.load(p.taps_1 * kPairs + 4);
  FloatPair y[4] = {low_bias, low_bias, high_bias, high_bias};
  FATTN_ROLLED_DEVICE for (int32_t r = 0; r < p.taps_1; ++r) {
    FloatPair const low = parameters.load(r * kPairs), high = parameters.load(r * kPairs + 4);
    PanelChunk<Traits::kRows> const row(memory, Traits::kLatents, first_row + r, 0);
    auto const at = row.at(0, channel / 16).template as<uint32_t>() + column;
    simt::Shared<uint32_t> const beside{at.address ^ 16};
    // 8 rows down is 1 KB further, in the same chunk.
    uint32_t const words[4] = {at.load(), at.load(256), beside.load(), beside.load(256)};
    FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) {
      FloatPair const u = widened<typename Traits::Element>(words[i]);
      FATTN_UNROLL_DEVICE for (int j = 0; j < 2; ++j) y[i].at[j] =
          simt::fused_multiply_add((i < 2 ? low : high).at[j], u.at[j], y[i].at[j]);
    }
  }
  return split<Traits>(y, down);
}

/// sums += y w2^T over 16 channels, four tiles of results at a time: two products one after the
/// other with the same sums would wait for one another.
template <class Traits>
FATTN_DEVICE void multiply_split(ConvSums<Traits>& sums, SplitFragment const& y,
                                 PanelChunk<Traits::kHeadDim> const& w2, int32_t step) {
  using Element = typename Traits::Element;
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kTiles; n += 4) {
    simt::Fragment const right[2] = {simt::load_matrix_x4(w2.at(8 * n, step)),
                                     simt::load_matrix_x4(w2.at(8 * n + 16, step))};
    FATTN_UNROLL_DEVICE for (int part = 0; part < 2; ++part)
        FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) simt::multiply_m16n8k16<Element>(
            sums.at[n + i], part == 0 ? y.high : y.low, right[i / 2].word[i % 2 * 2],
            right[i / 2].word[i % 2 * 2 + 1]);
  }
}

/// All taps and channels. The first stage of weights and the latents are on their way. When it
/// returns, no copy is under way, but other warps may still read weights and latents.
template <class Traits>
FATTN_DEVICE void convolve(CompressedConvParams const& p, ConvHead const& head,
                           simt::SharedMemory memory, float down, ConvSums<Traits>& sums) {
  int const lane = simt::lane_index(), warp = simt::warp_index();
  bool const has_tokens = 16 * warp < head.used;
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kTiles; ++n)
      FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) sums.at[n][i] = 0;
  int32_t const steps = (p.head_dim + 63) / 64 * p.taps_2;
  FATTN_ROLLED_DEVICE for (int32_t step = 0; step < steps; ++step) {
    simt::wait_copies<0>();
    simt::sync_block();  // this step's weights are there, and the last step's are used
    start_weights<Traits>(p, head, step + 1, memory);
    int32_t const channel = step / p.taps_2 * 64, tap = step % p.taps_2;
    PanelChunk<Traits::kHeadDim> const w2(
        memory, Traits::kWeights + step % Traits::kStages * Traits::kStageBytes,
        lane % 8 + lane / 16 * 8, lane / 8 % 2);
    // A last step of fewer channels multiplies the zeros behind them, up to a multiple of 16.
    FATTN_ROLLED_DEVICE for (int32_t k = 0; k < 4 && channel + 16 * k < p.head_dim; ++k) {
      if (!has_tokens) continue;
      SplitFragment const y =
          convolved<Traits>(p, memory, 16 * warp + lane / 4 + tap, channel + 16 * k, down);
      multiply_split<Traits>(sums, y, w2, k);
    }
  }
}

}  // namespace fattn::mma16
