// The register-blocked product at the heart of both matrix products: 6 rows times 1 to 4 vectors.
#pragma once

#include "backends/cpu/attention/plan.h"
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

/// scores[r][n] = a[r] . b[n] for one panel; with `row_max`, folds each row's vectors into
/// row_max[r].
template <class Isa, class Product, int kVectors>
[[gnu::noinline]] void score_panel(typename Product::Element const* a, int64_t a_stride,
                                   typename Product::Element const* b, int64_t b_stride, int steps,
                                   float* scores, float* row_max) {
  using F = typename Isa::F;
  F acc[kRowsPerTile][kVectors] = {};
  MicroKernel<Isa, Product, kVectors>::multiply(acc, a, a_stride, b, b_stride, steps);
  FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
      Isa::store(scores + r * kBlockKeys + n * Isa::kLanes, acc[r][n]);
    }
    F most = acc[r][0];
    FATTN_UNROLL for (int n = 1; n < kVectors; ++n) most = Isa::max(most, acc[r][n]);
    float* slot = row_max + r * Isa::kLanes;
    Isa::store(slot, Isa::max(Isa::load(slot), most));
  }
}

/// out[r][n] = out[r][n] * factor[r] + p[r] . v for one panel of columns.
template <class Isa, class Product, int kVectors>
[[gnu::noinline]] void value_panel(typename Product::Element const* p, int64_t p_stride,
                                   typename Product::Element const* v, int64_t v_stride, int steps,
                                   float* out, int64_t out_stride, float const* factor) {
  using F = typename Isa::F;
  F acc[kRowsPerTile][kVectors];
  FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
    F f = Isa::set1(factor[r]);
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
      acc[r][n] = Isa::load(out + r * out_stride + n * Isa::kLanes) * f;
    }
  }
  MicroKernel<Isa, Product, kVectors>::multiply(acc, p, p_stride, v, v_stride, steps);
  FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
      Isa::store(out + r * out_stride + n * Isa::kLanes, acc[r][n]);
    }
  }
}

/// The panel function for 1..kPanelVectors vectors, picked at run time.
template <class Isa, class Product, class... Args>
[[gnu::always_inline]] inline void score_panel_of(int vectors, Args... args) {
  if constexpr (Isa::kPanelVectors == 4) {
    if (vectors == 4) return score_panel<Isa, Product, 4>(args...);
    if (vectors == 3) return score_panel<Isa, Product, 3>(args...);
  }
  if (vectors == 2) return score_panel<Isa, Product, 2>(args...);
  return score_panel<Isa, Product, 1>(args...);
}

template <class Isa, class Product, class... Args>
[[gnu::always_inline]] inline void value_panel_of(int vectors, Args... args) {
  if constexpr (Isa::kPanelVectors == 4) {
    if (vectors == 4) return value_panel<Isa, Product, 4>(args...);
    if (vectors == 3) return value_panel<Isa, Product, 3>(args...);
  }
  if (vectors == 2) return value_panel<Isa, Product, 2>(args...);
  return value_panel<Isa, Product, 1>(args...);
}

}  // namespace fattn::cpu
