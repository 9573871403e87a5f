// Sums and maxima across a warp, in an order that never varies. All lanes must call.
#pragma once

#include "simt/simt.h"

namespace fattn {

FATTN_DEVICE float warp_sum(float value) {
  FATTN_UNROLL for (int distance = simt::kWarpSize / 2; distance > 0; distance /= 2) {
    value += simt::shuffle_xor(value, distance);
  }
  return value;
}

/// The greatest number; NaN only where no lane has a number.
FATTN_DEVICE float warp_max(float value) {
  FATTN_UNROLL for (int distance = simt::kWarpSize / 2; distance > 0; distance /= 2) {
    value = simt::maximum(value, simt::shuffle_xor(value, distance));
  }
  return value;
}

/// Of 32 values per lane the sums over all lanes: sum l for lane l. Lanes that differ in bit kHalf
/// of their number trade the half they do not keep, so that 31 exchanges make 32 sums.
template <int kHalf = simt::kWarpSize / 2>
FATTN_DEVICE float warp_sum_transposed(float (&values)[simt::kWarpSize]) {
  bool const upper = (simt::lane_index() & kHalf) != 0;
  FATTN_UNROLL for (int i = 0; i < kHalf; ++i) {
    // By value: a choice between two elements of the array could become one between addresses.
    float const low = values[i], high = values[i + kHalf];
    values[i] = (upper ? high : low) + simt::shuffle_xor(upper ? low : high, kHalf);
  }
  if constexpr (kHalf > 1) return warp_sum_transposed<kHalf / 2>(values);
  return values[0];
}

}  // namespace fattn
