// What the prologue on tensor cores is made ready by: weights that tensor cores can be fed with,
// and the turns of all tokens.
#pragma once

#include "kernels/compressed_conv/params.h"

namespace fattn {

struct CompressedConvPrepareParams {
  void const* w2;  // [channels][d][K2]
  void* ready_w2;  // [channels / d][K2][d][d]: tap by tap, a row per channel that is made
  int64_t channels;
  int32_t head_dim, taps_2;
  int64_t w2_blocks;  // the first so many blocks lay out weights, the others make turns

  RopePositions positions;
  int64_t rows, tokens;  // of turns; tokens of each sequence among them
  int32_t pairs;         // 0: none turn
  double const* frequencies;
  double cos_factor, sin_factor;
  ConvTurn* turns;  // [rows][pairs]
};

/// The taps of w2 lie side by side, channels of a row K2 elements apart, where an asynchronous copy
/// brings a multiplier 16 bytes of one tap. Each weight is read by every tile, so that they are
/// laid out once, before: a pass over d K2 elements per channel, next to d K2 products per token
/// and channel. The same goes for the turns, which are double-precision arithmetic and the same for
/// all heads. The grid has one axis: a thread per weight of one tap, then a thread per turn.
template <class Element>
struct CompressedConvPrepare {
  using Params = CompressedConvPrepareParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const block = simt::block_index().x;
    if (block < p.w2_blocks)
      lay_out_weights(p, block * kThreads + simt::thread_index());
    else
      make_turn(p, (block - p.w2_blocks) * kThreads + simt::thread_index());
  }

 private:
  FATTN_DEVICE static void lay_out_weights(Params const& p, int64_t i) {
    if (i >= p.channels * p.head_dim) return;
    int64_t const square = int64_t{p.head_dim} * p.head_dim, head = i / square;
    auto const* const from = static_cast<Element const*>(p.w2) + i * p.taps_2;
    auto* const to = static_cast<Element*>(p.ready_w2) + head * square * p.taps_2 + i % square;
    for (int32_t r = 0; r < p.taps_2; ++r) to[r * square] = from[r];
  }

  FATTN_DEVICE static void make_turn(Params const& p, int64_t i) {
    if (p.pairs == 0 || i >= p.rows * p.pairs) return;
    int64_t const row = i / p.pairs;
    double const position = static_cast<double>(p.positions.at(row / p.tokens, row % p.tokens));
    SinCos const turn = sincos_of_large(position * p.frequencies[i % p.pairs]);
    p.turns[i] = {static_cast<float>(turn.cos * p.cos_factor),
                  static_cast<float>(turn.sin * p.sin_factor)};
  }
};

}  // namespace fattn
