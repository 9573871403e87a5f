// What a query row is and what it may see: the description that every path asks for, one row at a
// time.
#pragma once

#include "kernels/attention/params.h"
#include "kernels/attention/variants.h"
#include "simt/simt.h"

namespace fattn {

constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;

/// One sequence: which tokens are its queries and keys.
struct SequenceRange {
  int32_t index;           // for per-batch operands
  int32_t first_q, seq_q;  // first token along the row axis, number of queries
  int32_t first_k, seq_kv;
  int32_t prefix;
};

FATTN_DEVICE SequenceRange sequence_range(AttentionParams const& p, int32_t b) {
  SequenceRange s{b, 0, p.seq_q, 0, p.seq_kv, 0};
  if (p.indices.starts_q) {
    s.first_q = p.indices.starts_q[b];
    s.seq_q = p.indices.starts_q[b + 1] - s.first_q;
    s.first_k = p.indices.starts_k[b];
    s.seq_kv = p.indices.starts_k[b + 1] - s.first_k;
  }
  if (b >= p.batch) return s;  // tokens after the last packed sequence: they see nothing
  if (p.indices.kv_lengths) s.seq_kv = p.indices.kv_lengths[b];
  if (p.indices.prefixes) s.prefix = p.indices.prefixes[b];
  return s;
}

FATTN_DEVICE int32_t shared_head(HeadRule rule, int32_t out_head, int32_t heads,
                                 int32_t heads_out) {
  if (heads == heads_out) return out_head;
  if (rule == HeadRule::kTile) return out_head % heads;
  return static_cast<int32_t>(int64_t{out_head} * heads / heads_out);
}

/// The heads that make output head `o`.
struct HeadTriple {
  int32_t q, k, v;
};
FATTN_DEVICE HeadTriple heads_of(AttentionParams const& p, int32_t o) {
  return {
      shared_head(p.q_rule, o, p.q.heads, p.heads_out),
      p.indices.k_heads ? p.indices.k_heads[o] : shared_head(p.k_rule, o, p.k.heads, p.heads_out),
      p.indices.v_heads ? p.indices.v_heads[o] : shared_head(p.v_rule, o, p.v.heads, p.heads_out)};
}

/// Elements from the start of a tensor to a token's head. `token` counts from the start of the
/// sequence.
FATTN_DEVICE int64_t offset_of(TokenRows const& rows, int32_t sequence, int32_t first,
                               int32_t token, int32_t head) {
  return sequence * rows.batch + (int64_t{first} + token) * rows.row + head * rows.head;
}

/// Pointer to its d elements.
template <class Element>
FATTN_DEVICE Element* row_of(TokenRows const& rows, int32_t sequence, int32_t first, int32_t token,
                             int32_t head) {
  return static_cast<Element*>(rows.data) + offset_of(rows, sequence, first, token, head);
}

FATTN_DEVICE int64_t value_offset(RowValues const& values, SequenceRange const& s, int32_t query,
                                  int32_t head) {
  return s.index * values.batch + head * values.head + (int64_t{s.first_q} + query) * values.row;
}

FATTN_DEVICE StructuralMask mask_of_head(AttentionParams const& p, int32_t o) {
  return {p.causal != 0, p.indices.window_left ? p.indices.window_left[o] : p.window_left,
          p.indices.window_right ? p.indices.window_right[o] : p.window_right,
          p.indices.sink_tokens ? p.indices.sink_tokens[o] : p.sink_tokens};
}

FATTN_DEVICE KeyLimits limits_of_row(AttentionParams const& p, SequenceRange const& s,
                                     int32_t query, int32_t o) {
  int64_t const aligned = int64_t{query} + s.seq_kv - s.seq_q;
  return key_limits(mask_of_head(p, o), aligned, s.seq_kv, s.prefix);
}

}  // namespace fattn
