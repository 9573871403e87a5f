// The row pass of the online softmax: scores of one block become weights, and the running maximum
// and sum move on.
#pragma once

#include "backends/cpu/attention/rows.h"
#include "backends/cpu/product/micro_kernel.h"

namespace fattn::cpu {

template <class Isa>
struct MaxOf {
  using F = typename Isa::F;
  [[gnu::always_inline]] static F apply(F a, F b) { return Isa::max(a, b); }
};

/// Folds the block's maxima into `row_max`, for kLanes rows: sets the factor by which older sums
/// shrink.
template <class Isa>
[[gnu::always_inline]] inline void advance_max(float const* tile_max, float unit, float* row_max,
                                               float* row_sum, float* factor) {
  using F = typename Isa::F;
  F block[Isa::kLanes];
  FATTN_UNROLL for (int i = 0; i < Isa::kLanes; ++i) block[i] =
      Isa::load(tile_max + i * Isa::kLanes);
  F const old = Isa::load(row_max);
  F const most = Isa::max(Isa::template reduce_rows<MaxOf<Isa>>(block) * unit, old);
  // -inf never meets -inf in a subtraction.
  F const reference = Isa::select(most == -__builtin_inff(), Isa::zero(), most);
  F const shrink = exp2_nonpositive<Isa>(old - reference);
  Isa::store(row_max, most);
  Isa::store(factor, shrink);
  Isa::store(row_sum, Isa::load(row_sum) * shrink);
}

/// exp2(score * unit - max) over columns [begin, end), in place or as bfloat16 pairs. Returns the
/// vector of sums.
template <class Isa, class Product>
[[gnu::always_inline]] inline typename Isa::F weigh_row(float* scores, int32_t* weights, float unit,
                                                        float row_max, int begin, int end) {
  using F = typename Isa::F;
  F const scale = Isa::set1(unit);
  F const shift = Isa::set1(row_max == -__builtin_inff() ? 0 : -row_max);
  F sum = Isa::zero();
  for (int c = begin; c < end; c += Isa::kLanes * Product::kPerStep) {
    F low = exp2_nonpositive<Isa>(Isa::fma(Isa::load(scores + c), scale, shift));
    sum += low;
    if constexpr (Product::kPerStep == 2) {
      F high = exp2_nonpositive<Isa>(Isa::fma(Isa::load(scores + c + Isa::kLanes), scale, shift));
      sum += high;
      Isa::store(weights + c / 2, Isa::pairs(low, high));
    } else {
      Isa::store(scores + c, low);
    }
  }
  return sum;
}

}  // namespace fattn::cpu
