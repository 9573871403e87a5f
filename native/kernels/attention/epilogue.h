// The end of a query row: sink, normalisation, gate and log-sum-exp (attention-variants 1.1 and
// 2.6), or the partial result of one key range, which Combine finishes.
#pragma once

#include "kernels/attention/row.h"
#include "kernels/attention/softmax.h"

namespace fattn {

/// What is left to do with a row's accumulated output.
struct FinishedRow {
  float factor;  // sink, sum and gate
  float lse;     // natural
  bool empty;    // no key seen: the output is 0, whatever the gate holds

  FATTN_DEVICE float value(float accumulated) const { return empty ? 0 : accumulated * factor; }
};

FATTN_DEVICE FinishedRow finish_row(AttentionParams const& p, SequenceRange const& s, int32_t query,
                                    int32_t head, SoftmaxState state) {
  float factor = 1;
  if (p.sinks) {
    float const sink = p.sinks[head * p.sink_stride] * kLog2E;
    factor = advance_max(state, sink);
    state.row_sum += simt::exp2_approximate(sink - softmax_reference(state.row_max));
  }
  if (state.row_sum == 0) return {0, -simt::kInfinity, true};
  factor /= state.row_sum;
  if (p.gate.data) factor *= p.gate.data[value_offset(p.gate, s, query, head)];
  float const lse = simt::fused_multiply_add(state.row_max, kLn2, simt::log_exact(state.row_sum));
  return {factor, lse, false};
}

/// The head_dim_v elements of the output row.
template <class Element>
FATTN_DEVICE Element* out_row(AttentionParams const& p, SequenceRange const& s, int32_t query,
                              int32_t head) {
  return row_of<Element>(p.out, s.index, s.first_q, query, head);
}

FATTN_DEVICE void store_lse(AttentionParams const& p, SequenceRange const& s, int32_t query,
                            int32_t head, float lse) {
  if (p.lse.data) p.lse.data[value_offset(p.lse, s, query, head)] = lse;
}

/// Query tokens of all sequences together.
FATTN_DEVICE int64_t query_tokens(AttentionParams const& p) {
  return p.indices.starts_q ? p.seq_q : int64_t{p.batch} * p.seq_q;
}

/// Rows of the partial results of one key range.
FATTN_DEVICE int64_t partial_rows(AttentionParams const& p) {
  return query_tokens(p) * p.heads_out;
}

/// A row's place among them: by token of the batch, then by output head.
FATTN_DEVICE int64_t partial_row(AttentionParams const& p, SequenceRange const& s, int32_t query,
                                 int32_t head) {
  int64_t const first = p.indices.starts_q ? s.first_q : int64_t{s.index} * p.seq_q;
  return (first + query) * p.heads_out + head;
}

/// The head_dim_v accumulated, not normalised values of partial row `row`. A row that saw no key
/// leaves them alone: its state says so.
FATTN_DEVICE float* partial_out_row(AttentionParams const& p, int32_t chunk, int64_t row) {
  return p.partial_out + (chunk * partial_rows(p) + row) * p.head_dim_v;
}

FATTN_DEVICE void store_partial_state(AttentionParams const& p, int32_t chunk, int64_t row,
                                      SoftmaxState state) {
  float* const target = p.partial_state + 2 * (chunk * partial_rows(p) + row);
  target[0] = state.row_max;
  target[1] = state.row_sum;
}

FATTN_DEVICE SoftmaxState load_partial_state(AttentionParams const& p, int32_t chunk, int64_t row) {
  float const* const source = p.partial_state + 2 * (chunk * partial_rows(p) + row);
  return {source[0], source[1]};
}

}  // namespace fattn
