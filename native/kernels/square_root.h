// A square root from the approximations that a GPU has.
#pragma once

#include "simt/simt.h"

namespace fattn {

/// Of a positive number, within an ulp: the approximation by logarithms, improved (Newton), and
/// corrected by what its square lacks, which a fused multiply-add knows without rounding.
FATTN_DEVICE float square_root(float x) {
  float root = simt::exp2_approximate(0.5f * simt::log2_approximate(x));
  root = 0.5f * (root + x / root);
  float const lacking = simt::fused_multiply_add(-root, root, x);
  return simt::fused_multiply_add(lacking, 0.5f / root, root);
}

}  // namespace fattn
