// Online softmax of one query row, in base 2 (attention-variants 1.1): the running maximum and sum
// of scores that come block by block. -inf never meets -inf in a subtraction. A NaN score leaves
// the maximum alone and reaches the sum, and with it the whole row.
#pragma once

#include "simt/simt.h"

namespace fattn {

struct SoftmaxState {
  float row_max = -simt::kInfinity;  // as long as no score was above
  float row_sum = 0;                 // of exp2(score - row_max)
};

/// What a row's exponents subtract: its maximum, or 0 where that is -inf.
FATTN_DEVICE float softmax_reference(float row_max) {
  return row_max == -simt::kInfinity ? 0 : row_max;
}

/// Takes in the maximum of further scores. Returns the factor by which what was summed before
/// shrinks; `row_sum` has it already. Their weights are then exp2(score -
/// softmax_reference(row_max)).
FATTN_DEVICE float advance_max(SoftmaxState& state, float block_max) {
  float const most = simt::maximum(state.row_max, block_max);
  float const shrink = simt::exp2_approximate(state.row_max - softmax_reference(most));
  state.row_max = most;
  state.row_sum *= shrink;
  return shrink;
}

}  // namespace fattn
