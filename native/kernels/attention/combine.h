// Merges the partial results of a row, in the order of their key ranges (attention-variants 1.4),
// and finishes it. One warp per row.
#pragma once

#include "kernels/attention/epilogue.h"

namespace fattn {

template <class Element>
struct CombineAttention {
  using Params = AttentionParams;
  static constexpr int kRows = 4;  // per block, which is one of partial_rows() / kRows, rounded up
  static constexpr int kThreads = simt::kWarpSize * kRows;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const row = int64_t{simt::block_index().x} * kRows + simt::warp_index();
    if (row >= partial_rows(p)) return;
    SoftmaxState const state = merged_state(p, row);

    // Tokens of a packed batch are numbered through, as its rows are: no sequence need be found.
    int32_t const head = static_cast<int32_t>(row % p.heads_out);
    int64_t const token = row / p.heads_out;
    bool const packed = p.indices.starts_q != nullptr;
    SequenceRange s{};
    s.index = packed ? 0 : static_cast<int32_t>(token / p.seq_q);
    int32_t const query = static_cast<int32_t>(token - int64_t{s.index} * p.seq_q);

    FinishedRow const finished = finish_row(p, s, query, head, state);
    Element* const out = out_row<Element>(p, s, query, head);
    for (int32_t c = simt::lane_index(); c < p.head_dim_v; c += simt::kWarpSize)
      out[c] = simt::round_to<Element>(finished.value(merged_column(p, row, c, state.row_max)));
    if (simt::lane_index() == 0) store_lse(p, s, query, head, finished.lse);
  }

 private:
  FATTN_DEVICE static SoftmaxState merged_state(AttentionParams const& p, int64_t row) {
    SoftmaxState merged;
    for (int32_t chunk = 0; chunk < p.chunks; ++chunk)
      merged.row_max = simt::maximum(merged.row_max, load_partial_state(p, chunk, row).row_max);
    for (int32_t chunk = 0; chunk < p.chunks; ++chunk) {
      SoftmaxState const part = load_partial_state(p, chunk, row);
      merged.row_sum =
          simt::fused_multiply_add(part.row_sum, weight(part, merged.row_max), merged.row_sum);
    }
    return merged;
  }

  FATTN_DEVICE static float merged_column(AttentionParams const& p, int64_t row, int32_t column,
                                          float row_max) {
    float sum = 0;
    for (int32_t chunk = 0; chunk < p.chunks; ++chunk) {
      SoftmaxState const part = load_partial_state(p, chunk, row);
      if (part.row_sum == 0) continue;  // nothing was stored
      sum = simt::fused_multiply_add(partial_out_row(p, chunk, row)[column], weight(part, row_max),
                                     sum);
    }
    return sum;
  }

  /// What a part's sums shrink by where the maximum is that of all parts.
  FATTN_DEVICE static float weight(SoftmaxState part, float row_max) {
    return simt::exp2_approximate(part.row_max - softmax_reference(row_max));
  }
};

}  // namespace fattn
