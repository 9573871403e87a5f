// Merges attention states over disjoint sets of keys (attention-variants 1.4). One warp per row.
#pragma once

#include "kernels/elementwise/token_rows.h"

namespace fattn {

struct MergePartRows {
  TensorRows out;
  TensorRowValues weight;  // natural log: the part's lse, or what the caller puts in its place
};

struct MergeParams {
  static constexpr int kInlineParts = 16;
  MergePartRows first_parts[kInlineParts];
  MergePartRows const* further_parts;  // in device memory
  int32_t parts;
  TensorRows out;
  TensorRowValues lse, gate;
  float const* sinks;  // [heads]: a part with zero output
  int64_t sink_stride;
  int64_t batch, tokens;
  int32_t heads, dim;

  FATTN_DEVICE MergePartRows const& part(int32_t i) const {
    return i < kInlineParts ? first_parts[i] : further_parts[i - kInlineParts];
  }
};

/// Parts are summed in order, the sink last. The grid has one axis: kRows of batch * tokens * heads
/// rows to the block.
template <class Element>
struct MergeAttention {
  using Params = MergeParams;
  static constexpr int kRows = 4;
  static constexpr int kThreads = simt::kWarpSize * kRows;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const index = int64_t{simt::block_index().x} * kRows + simt::warp_index();
    int64_t const token = index / p.heads;
    if (token >= p.batch * p.tokens) return;
    Row const row{token / p.tokens, token % p.tokens, index % p.heads};
    float const sink = p.sinks ? p.sinks[row.h * p.sink_stride] : -simt::kInfinity;
    float const greatest = greatest_weight(p, row, sink);
    float const sum = greatest == -simt::kInfinity ? 0 : sum_of_weights(p, row, sink, greatest);

    float const gate = p.gate.data ? p.gate.at(row.b, row.h, row.s) : 1;
    Element* const out = p.out.row<Element>(row.b, row.s, row.h);
    for (int32_t c = simt::lane_index(); c < p.dim; c += simt::kWarpSize)
      out[c] = simt::round_to<Element>(gate * merged_column(p, row, c, greatest, sum));
    if (p.lse.data && simt::lane_index() == 0)
      p.lse.at(row.b, row.h, row.s) = greatest + simt::log_exact(sum);  // -inf in an empty row
  }

 private:
  struct Row {
    int64_t b, s, h;
  };

  /// Kernels elsewhere write +inf for a row that saw no key; no finite weight can mean that.
  FATTN_DEVICE static float weight_of(float lse) {
    return lse == simt::kInfinity ? -simt::kInfinity : lse;
  }
  FATTN_DEVICE static float weight_of(Params const& p, Row const& row, int32_t part) {
    return weight_of(p.part(part).weight.at(row.b, row.h, row.s));
  }
  FATTN_DEVICE static float exp_below(float weight, float greatest) {
    constexpr float kLog2E = 1.4426950408889634f;
    return simt::exp2_exact((weight - greatest) * kLog2E);
  }

  /// NaN where one is NaN: it says that something upstream is broken.
  FATTN_DEVICE static float greatest_weight(Params const& p, Row const& row, float sink) {
    float greatest = sink;
    for (int32_t i = 0; i < p.parts; ++i) {
      float const weight = weight_of(p, row, i);
      if (weight > greatest || simt::is_nan(weight)) greatest = weight;
    }
    return greatest;
  }

  FATTN_DEVICE static float sum_of_weights(Params const& p, Row const& row, float sink,
                                           float greatest) {
    float sum = 0;
    for (int32_t i = 0; i < p.parts; ++i) sum += exp_below(weight_of(p, row, i), greatest);
    return sum + exp_below(sink, greatest);
  }

  FATTN_DEVICE static float merged_column(Params const& p, Row const& row, int32_t column,
                                          float greatest, float sum) {
    float merged = 0;
    if (sum == 0) return merged;
    for (int32_t i = 0; i < p.parts; ++i) {
      float const share = exp_below(weight_of(p, row, i), greatest) / sum;
      if (share == 0) continue;  // an empty part may hold anything, NaN too
      Element const x = p.part(i).out.row<Element>(row.b, row.s, row.h)[column];
      merged = simt::fused_multiply_add(share, simt::to_float(x), merged);
    }
    return merged;
  }
};

}  // namespace fattn
