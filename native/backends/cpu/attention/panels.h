// The two products of attention, one panel of keys or of columns at a time.
#pragma once

#include "backends/cpu/attention/plan.h"
#include "backends/cpu/product/micro_kernel.h"

namespace fattn::cpu {

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
