// The variant axis, scores: from a raw product q.k to a masked score in base 2
// (attention-variants 1.1 and 1.3), one pair at a time.
#pragma once

#include "kernels/attention/row.h"

namespace fattn {

/// What reshapes the scores of one query row, and hides keys beyond its limits.
struct ScoreRow {
  float scale;      // scale * temperature, natural units
  float slope;      // ALiBi
  int32_t aligned;  // the key in the query's place
  int32_t segment;
  int64_t bias, mask;  // offset of key 0 in elements
};

FATTN_DEVICE ScoreRow score_row(AttentionParams const& p, SequenceRange const& s, int32_t query,
                                int32_t o) {
  ScoreRow row;
  row.scale = p.scale;
  if (p.temperature.data) row.scale *= p.temperature.data[value_offset(p.temperature, s, query, o)];
  row.slope =
      p.slopes && s.index < p.batch ? p.slopes[s.index * p.slope_batch + o * p.slope_head] : 0;
  row.aligned = query + s.seq_kv - s.seq_q;
  row.segment = p.segments_q ? p.segments_q[s.index * p.segment_batch_q +
                                            (int64_t{s.first_q} + query) * p.segment_row_q]
                             : 0;
  row.bias = s.index * p.bias.batch + o * p.bias.head + query * p.bias.row;
  row.mask = s.index * p.mask.batch + o * p.mask.head + query * p.mask.row;
  return row;
}

FATTN_DEVICE float scalar_at(ScoreValues const& values, int64_t offset) {
  if (values.type == ScalarType::kF32) return static_cast<float const*>(values.data)[offset];
  if (values.type == ScalarType::kF16)
    return simt::to_float(static_cast<simt::F16 const*>(values.data)[offset]);
  return simt::to_float(static_cast<simt::BF16 const*>(values.data)[offset]);
}

FATTN_DEVICE bool same_segment(AttentionParams const& p, SequenceRange const& s,
                               ScoreRow const& row, int32_t key) {
  return p.segments_k[s.index * p.segment_batch_k + (int64_t{s.first_k} + key) * p.segment_row_k] ==
         row.segment;
}
FATTN_DEVICE bool unmasked(AttentionParams const& p, ScoreRow const& row, int32_t key) {
  return static_cast<uint8_t const*>(p.mask.data)[row.mask + key * p.mask.key] != 0;
}

/// Whether segments and mask show `key` (from the start of the sequence) to the row. Limits are
/// apart: `sees()`.
FATTN_DEVICE bool shown(AttentionParams const& p, SequenceRange const& s, ScoreRow const& row,
                        int32_t key) {
  return (!p.segments_k || same_segment(p, s, row, key)) && (!p.mask.data || unmasked(p, row, key));
}

FATTN_DEVICE float soft_capped(AttentionParams const& p, float x) {
  return p.softcap * simt::tanh_exact(x / p.softcap);
}
FATTN_DEVICE float bias_of(AttentionParams const& p, ScoreRow const& row, int32_t key) {
  return scalar_at(p.bias, row.bias + key * p.bias.key);
}
/// What ALiBi takes from a score.
FATTN_DEVICE float distance_cost(ScoreRow const& row, int32_t key) {
  int32_t const distance = row.aligned > key ? row.aligned - key : key - row.aligned;
  return row.slope * static_cast<float>(distance);
}

/// The score of a visible pair in base 2, from the raw product q.k.
FATTN_DEVICE float score_of(AttentionParams const& p, ScoreRow const& row, int32_t key,
                            float product) {
  float x = product * row.scale;
  if (p.softcap > 0) x = soft_capped(p, x);
  if (p.bias.data) x += bias_of(p, row, key);
  if (row.slope != 0) x -= distance_cost(row, key);
  return x * kLog2E;
}

/// Whether scores are scale * q.k with scale > 0 and limits alone decide visibility, so that a path
/// may leave the scale to the exponent.
FATTN_DEVICE bool plain_scores(AttentionParams const& p) {
  return p.scale > 0 && p.softcap == 0 && !p.bias.data && !p.mask.data && !p.temperature.data &&
         !p.slopes && !p.segments_k;
}

}  // namespace fattn
