// The life of a query row: what it may see and how its scores are made, its softmax state, its
// result.
#pragma once

#include "backends/cpu/attention/scores.h"

namespace fattn::cpu {

/// Everything about query `query` of output head `head` that the kernels need.
template <class Isa>
RowInfo describe_row(AttentionPlan const& plan, Sequence const& seq, int head, int query) {
  RowInfo row;
  row.head = head;
  row.query = query;
  row.aligned = query + seq.seq_kv - seq.seq_q;
  row.limits = key_limits(plan.head_masks[head], row.aligned, seq.seq_kv, seq.prefix);
  row.segment = plan.has_segments ? seq.segments_q[query * seq.segment_stride_q] : 0;
  row.scale = plan.scale;
  if (plan.temperature.data) {
    row.scale *= reinterpret_cast<float const*>(
        plan.temperature
            .data)[seq.temperature + head * plan.temperature.head + query * plan.temperature.row];
  }
  row.slope = plan.slopes ? plan.slopes[seq.batch * plan.slope_batch + head * plan.slope_head] : 0;
  auto score_row = [&](ScoreOperand const& t) -> char const* {
    if (!t.data) return nullptr;
    return t.data + (seq.batch * t.batch + head * t.head + query * t.row) * size_of(t.dtype);
  };
  row.bias = score_row(plan.bias);
  row.mask = score_row(plan.mask);
  return row;
}

/// Empties the softmax state of `count` rows.
template <class Isa>
void clear_rows(RowState& rows, int first, int count) {
  for (int r = first; r < first + count; ++r) {
    rows.row_max[r] = -__builtin_inff();
    rows.row_sum[r] = 0;
    float* out = rows.out + r * rows.out_stride;
    for (int64_t c = 0; c < rows.out_stride; c += Isa::kLanes) Isa::store(out + c, Isa::zero());
  }
}

template <class Isa>
float exp2_scalar(float x) {
  return exp2_nonpositive<Isa>(Isa::set1(x))[0];
}

/// Writes a finished row: sink, normalisation, gate, rounding to the dtype, and the log-sum-exp.
template <class Isa>
void finish_row(AttentionPlan const& plan, Sequence const& seq, int head, int query, float row_max,
                float row_sum, float const* out) {
  float factor = 1;
  if (plan.sinks) {
    float const sink = plan.sinks[head * plan.sink_stride] * kLog2E;
    float const most = sink > row_max ? sink : row_max;
    float const reference = most == -__builtin_inff() ? 0 : most;
    factor = exp2_scalar<Isa>(row_max - reference);
    row_sum = row_sum * factor + exp2_scalar<Isa>(sink - reference);
    row_max = most;
  }
  bool const empty = row_sum == 0;
  factor = empty ? 0 : factor / row_sum;
  if (plan.gate.data) {
    factor *= reinterpret_cast<float const*>(
        plan.gate.data)[seq.gate + head * plan.gate.head + query * plan.gate.row];
  }
  with_source<Isa>(plan.out.dtype, [&]<class Source>() {
    auto* target =
        const_cast<typename Source::Element*>(row_of<Source>(plan.out, seq.out, query, head));
    for (int c = 0; c < plan.head_dim_v; c += Isa::kLanes) {
      typename Isa::F x = empty ? Isa::zero() : Isa::load(out + c) * factor;
      store_upto<Isa, Source>(target + c, x, plan.head_dim_v - c);
    }
  });
  if (plan.lse) {
    double const lse =
        empty ? -__builtin_inf() : row_max * 0.69314718055994531 + __builtin_log((double)row_sum);
    plan.lse[seq.lse + head * plan.lse_head + query * plan.lse_row] = static_cast<float>(lse);
  }
}

/// Hands a row over: to the result, or as a partial state of its key chunk.
template <class Isa>
void store_row(AttentionPlan const& plan, Sequence const& seq, RowState const& rows, int r,
               int chunk) {
  RowInfo const& row = rows.info[r];
  float const* out = rows.out + r * rows.out_stride;
  if (seq.chunks == 1) {
    return finish_row<Isa>(plan, seq, row.head, row.query, rows.row_max[r], rows.row_sum[r], out);
  }
  int64_t const slot =
      seq.partial + (int64_t{row.head} * seq.seq_q + row.query) * seq.chunks + chunk;
  plan.partial_max[slot] = rows.row_max[r];
  plan.partial_sum[slot] = rows.row_sum[r];
  float* target = plan.partial_out + slot * plan.head_dim_v;
  for (int c = 0; c < plan.head_dim_v; c += Isa::kLanes) {
    store_upto<Isa, F32Source<Isa>>(target + c, Isa::load(out + c), plan.head_dim_v - c);
  }
}

/// Merges the partial states of one row, in order of their chunks (attention-variants 1.4).
template <class Isa>
void combine_row(AttentionPlan const& plan, int32_t sequence, int head, int query, float* out) {
  Sequence const& seq = plan.sequences[sequence];
  int64_t const slot = seq.partial + (int64_t{head} * seq.seq_q + query) * seq.chunks;
  float most = -__builtin_inff();
  for (int p = 0; p < seq.chunks; ++p) {
    float const x = plan.partial_max[slot + p];
    most = x > most || x != x ? x : most;
  }
  float const reference = most == -__builtin_inff() ? 0 : most;
  float sum = 0;
  for (int c = 0; c < plan.head_dim_v; c += Isa::kLanes) Isa::store(out + c, Isa::zero());
  for (int p = 0; p < seq.chunks; ++p) {
    if (plan.partial_sum[slot + p] == 0) continue;  // an empty part
    float const weight = exp2_scalar<Isa>(plan.partial_max[slot + p] - reference);
    sum += plan.partial_sum[slot + p] * weight;
    float const* part = plan.partial_out + (slot + p) * plan.head_dim_v;
    for (int c = 0; c < plan.head_dim_v; c += Isa::kLanes) {
      auto x = load_upto<Isa, F32Source<Isa>>(part + c, plan.head_dim_v - c);
      Isa::store(out + c, Isa::fma(x, Isa::set1(weight), Isa::load(out + c)));
    }
  }
  finish_row<Isa>(plan, seq, head, query, most, sum, out);
}

}  // namespace fattn::cpu
