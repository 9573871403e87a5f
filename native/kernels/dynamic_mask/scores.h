// Scores of keys from their values (attention-variants 5.1): of the values of a token, all heads
// side by side, one product per score head, and a function of that. A block takes 8 tokens and 4
// score heads, so that values, of which there are by far the most, are read once and weights once
// per 8 tokens. Elements lie across the threads of the block, which finds enough of them in a
// single token, too.
#pragma once

#include "kernels/elementwise/token_rows.h"
#include "kernels/warp.h"

namespace fattn {

/// Weights in f32 or in the element type of the values; element strides.
struct ScoreWeights {
  void const* data;
  bool is_f32;
  int64_t row, head;

  template <class Element>
  FATTN_DEVICE float at(int64_t r, int64_t h) const {
    int64_t const place = r * row + h * head;
    if (is_f32) return static_cast<float const*>(data)[place];
    return simt::to_float(static_cast<Element const*>(data)[place]);
  }
};

struct KeyScoreParams {
  TensorRows v;            // read
  ScoreWeights wdt, a;     // [width, heads], [heads]
  TensorRowValues scores;  // written
  int64_t batch, tokens;   // tokens of each sequence
  int32_t dim, width;      // elements of a value head, and of all
  int32_t heads;           // score heads
  bool exponential;        // exp(a * softplus(dt)); else without the outer exp
};

/// The grid has one axis: head groups, inside tiles of tokens.
template <class Element>
struct ScoreKeys {
  using Params = KeyScoreParams;
  static constexpr int kWarps = 4;
  static constexpr int kThreads = simt::kWarpSize * kWarps;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 4 * kThreads;
  static constexpr int kTileTokens = 8;
  static constexpr int kTileHeads = simt::kWarpSize / kTileTokens;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int32_t const groups = (p.heads + kTileHeads - 1) / kTileHeads;
    int64_t const block = simt::block_index().x;
    int64_t const first_token = block / groups * kTileTokens;
    int32_t const first_head = static_cast<int32_t>(block % groups) * kTileHeads;

    simt::Shared<float> const shared = memory.at<float>(0);
    shared.store(simt::thread_index(), multiply(p, first_token, first_head));
    simt::sync_block();
    if (simt::warp_index() != 0) return;
    float dt = 0;
    for (int warp = 0; warp < kWarps; ++warp)
      dt += shared.load(warp * simt::kWarpSize + simt::lane_index());
    int64_t const token = first_token + simt::lane_index() / kTileHeads;
    int32_t const head = first_head + simt::lane_index() % kTileHeads;
    if (token >= p.batch * p.tokens || head >= p.heads) return;
    float const e = p.a.at<Element>(0, head) * softplus(dt);
    p.scores.at(token / p.tokens, head, token % p.tokens) = p.exponential ? simt::exp_exact(e) : e;
  }

 private:
  /// ln(1 + e^x).
  FATTN_DEVICE static float softplus(float x) {
    float const size = x < 0 ? -x : x;
    return simt::maximum(x, 0) + simt::log1p_exact(simt::exp_exact(-size));
  }

  /// This warp's share of the product of token lane / kTileHeads and head lane % kTileHeads.
  FATTN_DEVICE static float multiply(Params const& p, int64_t first_token, int32_t first_head) {
    int64_t const all = p.batch * p.tokens;
    Element const* v[kTileTokens];
    FATTN_UNROLL for (int t = 0; t < kTileTokens; ++t) {
      int64_t const token = first_token + t < all ? first_token + t : first_token;
      v[t] = p.v.row<Element>(token / p.tokens, token % p.tokens, 0);
    }
    float sums[simt::kWarpSize] = {};
    for (int32_t c = simt::thread_index(); c < p.width; c += kThreads) {
      float weights[kTileHeads];
      FATTN_UNROLL for (int n = 0; n < kTileHeads; ++n) weights[n] =
          first_head + n < p.heads ? p.wdt.at<Element>(c, first_head + n) : 0;
      int64_t const place = p.v.head == p.dim ? c : c / p.dim * p.v.head + c % p.dim;
      FATTN_UNROLL for (int t = 0; t < kTileTokens; ++t) {
        if (first_token + t >= all) continue;
        float const value = simt::to_float(v[t][place]);
        FATTN_UNROLL for (int n = 0; n < kTileHeads; ++n) sums[t * kTileHeads + n] =
            simt::fused_multiply_add(value, weights[n], sums[t * kTileHeads + n]);
      }
    }
    return warp_sum_transposed(sums);
  }
};

}  // namespace fattn
