// The register-blocked product at the heart of every matrix product: 6 rows times 1 to 4 vectors.
#pragma once

#include "backends/cpu/product/layout.h"
#include "simt/annotations.h"

namespace fattn::cpu {

/// Products of float32 elements.
template <class Isa>
struct F32Product {
  using Element = float;              // of a and b, one per step
  static constexpr int kPerStep = 1;  // depth that one step covers
  using B = typename Isa::F;
  [[gnu::always_inline]] static B load_b(Element const* p) { return Isa::load(p); }
  [[gnu::always_inline]] static B broadcast(Element const* p) { return Isa::set1(*p); }
  [[gnu::always_inline]] static typename Isa::F multiply_add(B a, B b, typename Isa::F acc) {
    return Isa::fma(a, b, acc);
  }
};

/// Products of bfloat16 pairs with float32 accumulation.
template <class Isa>
struct Bf16Product {
  using Element = int32_t;
  static constexpr int kPerStep = 2;
  using B = typename Isa::I;
  [[gnu::always_inline]] static B load_b(Element const* p) { return Isa::load(p); }
  [[gnu::always_inline]] static B broadcast(Element const* p) { return Isa::set1(*p); }
  [[gnu::always_inline]] static typename Isa::F multiply_add(B a, B b, typename Isa::F acc) {
    return Isa::dot(a, b, acc);
  }
};

/// acc[r][n] += sum over steps of a[r][step] * b[step][n]. Steps run in order, one accumulator per
/// element, so an element's bits do not depend on which rows or columns share its tile.
template <class Isa, class Product, int kVectors>
struct MicroKernel {
  using F = typename Isa::F;
  using Element = typename Product::Element;
  using Accumulators = F[kRowsPerTile][kVectors];

  /// `b_stride`: elements from one step of b to the next.
  [[gnu::always_inline]] static void multiply(Accumulators& acc, Element const* a, int64_t a_stride,
                                              Element const* b, int64_t b_stride, int steps) {
    Element const* a3 = a + 3 * a_stride;
    for (int step = 0; step < steps; ++step) {
      typename Product::B b_vectors[kVectors];
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        b_vectors[n] = Product::load_b(b + n * Isa::kLanes);
      }
      FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
        Element const* row = r < 3 ? a + r * a_stride : a3 + (r - 3) * a_stride;
        auto a_value = Product::broadcast(row + step);
        FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
          acc[r][n] = Product::multiply_add(a_value, b_vectors[n], acc[r][n]);
        }
      }
      b += b_stride;
    }
  }
};

}  // namespace fattn::cpu
