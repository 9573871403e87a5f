// Storage types of the kernels and their conversions.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::simt {

struct F16 {  // IEEE binary16
  uint16_t bits;
};
struct BF16 {  // bfloat16
  uint16_t bits;
};

FATTN_DEVICE float to_float(float value);
FATTN_DEVICE float to_float(F16 value);
FATTN_DEVICE float to_float(BF16 value);
/// Rounded once, to nearest even; overflow becomes infinity, subnormals are kept.
template <class Element>
FATTN_DEVICE Element round_to(float value);

}  // namespace fattn::simt
