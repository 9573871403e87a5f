// From scores to weights: the steps of the online softmax for the rows of a warp.
#pragma once

#include "kernels/attention/mma16/rows.h"
#include "kernels/attention/softmax.h"
#include "kernels/mma16/lane.h"

namespace fattn::mma16 {

/// How far, in powers of two, scores may lie above the maximum a row keeps. Weights and their sum
/// refer to the same maximum, so that it cancels and any number near the true one serves; keeping
/// it spares almost every tile after the first the multiplication of all accumulators. Weights of
/// up to 2^8 fit f16, and what is too small for f16 only becomes less.
constexpr float kSlack = 8;

/// Limits for keys that are counted from `key`.
FATTN_DEVICE KeyLimits counted_from(KeyLimits const& limits, int32_t key) {
  return {limits.lo - key, limits.hi - key, limits.sink - key};
}

/// Scores of keys that their row does not see become -inf, whatever they were. `first` is the key
/// of column 0.
template <class Traits>
FATTN_DEVICE void hide_scores(Scores<Traits>& scores, simt::SharedMemory memory, int32_t first) {
  Place const place;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    RowFacts const facts = kept_row<Traits>(memory, place.row<Traits>(s, half)).load();
    KeyLimits const limits = counted_from(facts.limits, first + place.first_column());
    FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kBlockN / 8; ++n)
        FATTN_UNROLL_DEVICE for (int e = 0; e < 2; ++e) if (!sees(limits, column_after(n, e)))
            scores.at[s][n][2 * half + e] = -simt::kInfinity;
  }
}

/// Moves the maxima of rows whose scores, times `scale` in base 2, outgrow them, and shrinks what
/// these rows have summed. A row's result does not depend on the other rows of the warp.
template <class Traits>
FATTN_DEVICE void raise_maxima(Accumulators<Traits>& acc, Scores<Traits> const& scores,
                               float scale) {
  float shrink[Traits::kStrips][2];
  bool raised = false;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    float most = -simt::kInfinity;
    FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kBlockN / 8; ++n)
        FATTN_UNROLL_DEVICE for (int e = 0; e < 2; ++e) most =
            simt::maximum(most, scores.at[s][n][2 * half + e]);
    most = simt::maximum(most, simt::shuffle_xor(most, 1));
    most = simt::maximum(most, simt::shuffle_xor(most, 2)) * scale;
    SoftmaxState& row = acc.row[s][half];
    bool const outgrown = most > row.row_max + kSlack;
    shrink[s][half] = outgrown ? advance_max(row, most) : 1;
    raised |= outgrown;
  }
  if (!simt::any_lane(raised)) return;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kHeadDim / 8; ++n)
          FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) acc.out[s][n][i] *= shrink[s][i / 2];
}

/// What the exponents of a lane's rows subtract.
template <class Traits>
struct References {
  float of[Traits::kStrips][2];

  FATTN_DEVICE explicit References(Accumulators<Traits> const& acc) {
    FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
        FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) of[s][half] =
            softmax_reference(acc.row[s][half].row_max);
  }
};

/// The weights of 16 keys, 16 step .. 16 step + 15, of a strip, as the left factor of the second
/// product: rounded to Element, while their f32 values enter the row's sum.
template <class Traits>
FATTN_DEVICE simt::Fragment weigh(Accumulators<Traits>& acc, Scores<Traits> const& scores,
                                  References<Traits> const& references, float scale, int strip,
                                  int step) {
  simt::Fragment weights;
  FATTN_UNROLL_DEVICE for (int word = 0; word < 4; ++word) {
    int const half = word % 2;
    float const* const score = scores.at[strip][2 * step + word / 2] + 2 * half;
    float const reference = references.of[strip][half];
    float const low = simt::exp2_approximate(simt::fused_multiply_add(score[0], scale, -reference));
    float const high =
        simt::exp2_approximate(simt::fused_multiply_add(score[1], scale, -reference));
    acc.row[strip][half].row_sum += low + high;
    weights.word[word] = simt::pack<typename Traits::Element>(low, high);
  }
  return weights;
}

}  // namespace fattn::mma16
