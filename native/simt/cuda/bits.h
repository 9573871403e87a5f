// The same bits as another type. std::bit_cast is host code to the CUDA compiler.
#pragma once

#include <type_traits>

#include "simt/annotations.h"

namespace fattn::simt {

// By value: through a reference to shared memory the copy is made byte by byte.
template <class To, class From>
FATTN_DEVICE To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  static_assert(std::is_trivially_copyable_v<To> && std::is_trivially_copyable_v<From>);
  To to;
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
}

}  // namespace fattn::simt
