// Rotary position embedding (attention-variants 2.7): turns pairs of the first elements of every
// row by position times frequency, and copies the rest.
#pragma once

#include "kernels/elementwise/sincos.h"
#include "kernels/elementwise/token_rows.h"

namespace fattn {

/// Where tokens stand. Null data: at their index.
struct RopePositions {
  int32_t const* data;
  int64_t batch, token;  // element strides, 0 on broadcast axes
  int64_t offset;        // added to every position

  FATTN_DEVICE int64_t at(int64_t b, int64_t s) const {
    return (data ? data[b * batch + s * token] : s) + offset;
  }
};

struct RopeParams {
  TensorRows x, out;  // the same, or disjoint
  RopePositions positions;
  int64_t batch, tokens;
  int32_t heads, dim;
  int32_t pairs;                  // 2 * pairs <= dim
  double const* frequencies;      // [pairs], radians per position; below 2^54 at the last position
  double cos_factor;              // the scaling's factor on cosines
  double sin_factor;              // and on sines, negated for the inverse rotation
  int32_t from_step, from_apart;  // elements of pair t: t * step and t * step + apart
  int32_t to_step, to_apart;
};

/// One warp turns kHeads rows of a token, for which it computes sines and cosines once. The grid
/// has one axis: kWarps of batch * tokens * (heads / kHeads, rounded up) to the block.
///
/// In place a row may be de-interleaved if it has at most kPassPairs pairs: all are read before one
/// is written.
template <class Element>
struct Rope {
  using Params = RopeParams;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = simt::kWarpSize * kWarps;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;
  static constexpr int kHeads = 8;
  static constexpr int kLanePairs = 4;
  static constexpr int kPassPairs = simt::kWarpSize * kLanePairs;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const item = int64_t{simt::block_index().x} * kWarps + simt::warp_index();
    int32_t const head_blocks = (p.heads + kHeads - 1) / kHeads;
    int64_t const token = item / head_blocks;
    if (token >= p.batch * p.tokens) return;
    int32_t const first_head = static_cast<int32_t>(item % head_blocks) * kHeads;
    int64_t const b = token / p.tokens, s = token % p.tokens;
    for (int32_t pair = 0; pair < p.pairs; pair += kPassPairs) {
      Turns const turns = turns_of(p, p.positions.at(b, s), pair);
      for (int32_t h = first_head; h < first_head + kHeads && h < p.heads; ++h)
        turn_pairs(p, p.x.row<Element>(b, s, h), p.out.row<Element>(b, s, h), pair, turns);
    }
    if (p.x.data == p.out.data) return;
    for (int32_t h = first_head; h < first_head + kHeads && h < p.heads; ++h)
      copy_rest(p, p.x.row<Element>(b, s, h), p.out.row<Element>(b, s, h));
  }

 private:
  struct Turns {  // of the lane's pairs
    float cos[kLanePairs], sin[kLanePairs];
  };

  FATTN_DEVICE static Turns turns_of(Params const& p, int64_t position, int32_t first_pair) {
    Turns turns{};
    FATTN_UNROLL for (int i = 0; i < kLanePairs; ++i) {
      int32_t const t = first_pair + simt::lane_index() + i * simt::kWarpSize;
      if (t >= p.pairs) continue;
      SinCos const turn = sincos_of_large(static_cast<double>(position) * p.frequencies[t]);
      turns.cos[i] = static_cast<float>(turn.cos * p.cos_factor);
      turns.sin[i] = static_cast<float>(turn.sin * p.sin_factor);
    }
    return turns;
  }

  FATTN_DEVICE static void turn_pairs(Params const& p, Element const* x, Element* out,
                                      int32_t first_pair, Turns const& turns) {
    int32_t const first = first_pair + simt::lane_index();
    float u[kLanePairs] = {}, w[kLanePairs] = {};
    FATTN_UNROLL for (int i = 0; i < kLanePairs; ++i) {
      int32_t const t = first + i * simt::kWarpSize;
      if (t >= p.pairs) continue;
      u[i] = simt::to_float(x[t * p.from_step]);
      w[i] = simt::to_float(x[t * p.from_step + p.from_apart]);
    }
    simt::sync_warp();  // every lane has read its pairs, which another may now overwrite
    FATTN_UNROLL for (int i = 0; i < kLanePairs; ++i) {
      int32_t const t = first + i * simt::kWarpSize;
      if (t >= p.pairs) continue;
      float const cos = turns.cos[i], sin = turns.sin[i];
      out[t * p.to_step] = simt::round_to<Element>(u[i] * cos - w[i] * sin);
      out[t * p.to_step + p.to_apart] = simt::round_to<Element>(w[i] * cos + u[i] * sin);
    }
  }

  FATTN_DEVICE static void copy_rest(Params const& p, Element const* x, Element* out) {
    for (int32_t c = 2 * p.pairs + simt::lane_index(); c < p.dim; c += simt::kWarpSize)
      out[c] = x[c];
  }
};

}  // namespace fattn
