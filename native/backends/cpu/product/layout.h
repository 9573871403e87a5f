// Sizes and places that every kernel of products agrees on. No ownership, no containers: a kernel
// unit must not instantiate library code under its own compiler flags.
#pragma once

#include <cstdint>

#include "core/dtype.h"
#include "simt/annotations.h"

namespace fattn::cpu {

constexpr int kRowsPerTile = 6;  // rows of the micro-kernel, on every path
constexpr int kMaxLanes = 16;
constexpr int kMaxPanel = 64;  // columns of the widest panel

/// A tensor operand: element strides, and the dtype the pointer stands for.
struct Operand {
  char const* data = nullptr;
  DType dtype = DType::f32;
  int64_t row = 0;   // from one token to the next
  int64_t head = 0;  // from one head to the next
};

FATTN_HOST_DEVICE int64_t round_up(int64_t x, int64_t multiple) {
  return (x + multiple - 1) / multiple * multiple;
}

/// Hands out 64-byte aligned pieces; from a null base it only counts.
struct Arena {
  char* base;
  int64_t used = 0;

  template <class T>
  FATTN_HOST_DEVICE T* take(int64_t count) {
    T* piece = base ? reinterpret_cast<T*>(base + used) : nullptr;
    used += round_up(count * static_cast<int64_t>(sizeof(T)), 64);
    return piece;
  }
};

}  // namespace fattn::cpu
