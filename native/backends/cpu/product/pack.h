// Packing: copies of blocks of operands in the order in which the micro-kernel reads them, widened
// or paired on the way.
#pragma once

#include "backends/cpu/product/micro_kernel.h"
#include "backends/cpu/product/sources.h"

namespace fattn::cpu {

/// Reads `kLanes` steps of a row as the elements of a product, zero-filled past `count` elements of
/// the row.
template <class Isa, class Source, class Product>
struct StepReader;

template <class Isa, class Source>
struct StepReader<Isa, Source, F32Product<Isa>> {
  [[gnu::always_inline]] static typename Isa::F read(typename Source::Element const* p, int count) {
    return load_upto<Isa, Source>(p, count);
  }
};

template <class Isa, class Source>
struct StepReader<Isa, Source, Bf16Product<Isa>> {
  [[gnu::always_inline]] static typename Isa::F read(typename Source::Element const* p, int count) {
    typename Isa::F low = load_upto<Isa, Source>(p, count);
    int const rest = count - Isa::kLanes;
    typename Isa::F high = rest > 0 ? load_upto<Isa, Source>(p + Isa::kLanes, rest) : Isa::zero();
    return Isa::as_float(Isa::pairs(low, high));
  }
};

/// One row as steps of the product: out[steps], zero-filled to whole vectors.
template <class Isa, class Source, class Product>
[[gnu::noinline]] void pack_row(typename Source::Element const* row, int count, int32_t* out) {
  constexpr int kElements = Isa::kLanes * Product::kPerStep;
  for (int c = 0; c < count; c += kElements, out += Isa::kLanes) {
    Isa::store(out, Isa::as_int(StepReader<Isa, Source, Product>::read(row + c, count - c)));
  }
}

/// The transpose of `count` rows of `depth` elements as panels [step][panel columns]; row_at(i)
/// points to row i, and may be asked for some beyond. Columns past `count` are zero up to the end
/// of their group of vectors.
template <class Isa, class Source, class Product, class RowAt>
[[gnu::noinline]] void pack_transposed(RowAt row_at, int count, int depth, int32_t* panels,
                                       int64_t panel_elements) {
  constexpr int kLanes = Isa::kLanes, kPanel = kLanes * Isa::kPanelVectors;
  constexpr int kElements = kLanes * Product::kPerStep;
  int const steps = (depth + Product::kPerStep - 1) / Product::kPerStep;
  for (int first = 0; first < round_up(count, kElements); first += kLanes) {
    int32_t* column = panels + first / kPanel * panel_elements + first % kPanel;
    int const here = count - first < kLanes ? count - first : kLanes;  // may be negative
    for (int step = 0; step < steps; step += kLanes) {
      int const element = step * Product::kPerStep;
      typename Isa::F block[kLanes];
      if (here == kLanes && depth - element >= kElements) {
        FATTN_UNROLL for (int r = 0; r < kLanes; ++r) {
          // Rows lie far apart, which no hardware prefetcher follows: ask for the next group's.
          __builtin_prefetch(row_at(first + r + kLanes) + element, 0, 2);
          block[r] = StepReader<Isa, Source, Product>::read(row_at(first + r) + element, kElements);
        }
      } else {
        for (int r = 0; r < kLanes; ++r) {
          block[r] = Isa::zero();
          if (r >= here) continue;
          auto const* p = row_at(first + r) + element;
          block[r] = StepReader<Isa, Source, Product>::read(p, depth - element);
        }
      }
      Isa::transpose(block);
      int const steps_here = steps - step < kLanes ? steps - step : kLanes;
      if (steps_here == kLanes) {
        FATTN_UNROLL for (int s = 0; s < kLanes; ++s) {
          Isa::store(column + (step + s) * kPanel, Isa::as_int(block[s]));
        }
      } else {
        for (int s = 0; s < steps_here; ++s) {
          Isa::store(column + (step + s) * kPanel, Isa::as_int(block[s]));
        }
      }
    }
  }
}

}  // namespace fattn::cpu
