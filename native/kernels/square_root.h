// A square root from the approximations that a GPU has.
#pragma once

#include "simt/simt.h"

namespace fattn {

/// Of a number that is not negative, within an ulp: the approximation by logarithms, improved
/// (Newton), and corrected by what its square lacks, which a fused multiply-add knows without
/// rounding. Those steps would make NaN of 0 and infinity, which are their own roots, and the
/// approximation takes subnormal numbers for 0: they are made larger first.
FATTN_DEVICE float square_root(float x) {
  constexpr float kLeastNormal = 0x1p-126f;
  if (!(x > 0 && x < simt::kInfinity)) return x;
  bool const subnormal = x < kLeastNormal;
  if (subnormal) x *= 0x1p24f;
  float root = simt::exp2_approximate(0.5f * simt::log2_approximate(x));
  root = 0.5f * (root + x / root);
  float const lacking = simt::fused_multiply_add(-root, root, x);
  root = simt::fused_multiply_add(lacking, 0.5f / root, root);
  return subnormal ? root * 0x1p-12f : root;
}

}  // namespace fattn
