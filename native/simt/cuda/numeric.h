// simt/numeric.h on CUDA.
#pragma once

#include <type_traits>

#include "simt/numeric.h"

namespace fattn::simt {

FATTN_DEVICE float to_float(float value) { return value; }
FATTN_DEVICE float to_float(F16 value) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value.bits));
  return wide;
}
FATTN_DEVICE float to_float(BF16 value) {
  return __uint_as_float(static_cast<uint32_t>(value.bits) << 16);
}

template <class Element>
FATTN_DEVICE Element round_to(float value) {
  if constexpr (std::is_same_v<Element, float>) {
    return value;
  } else {
    static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
    Element narrow;
    if constexpr (std::is_same_v<Element, F16>)
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(value));
    else
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(narrow.bits) : "f"(value));
    return narrow;
  }
}

}  // namespace fattn::simt
