// From sums to elements of the result.
#pragma once

#include "backends/cpu/linear/plan.h"
#include "backends/cpu/product/sources.h"

namespace fattn::cpu {

/// Adds the bias to the sums of columns [first, first + count) of a row, and writes them. The sums
/// reach to the end of a vector.
template <class Isa>
[[gnu::noinline]] void store_columns(LinearPlan const& plan, int64_t row, int64_t first, int count,
                                     float const* sums) {
  with_source<Isa>(plan.dtype, [&]<class Source>() {
    using Element = typename Source::Element;
    Element* const out = plan.out.row<Element>(row) + first;
    Element const* const bias =
        plan.bias ? reinterpret_cast<Element const*>(plan.bias) + first : nullptr;
    for (int c = 0; c < count; c += Isa::kLanes) {
      typename Isa::F x = Isa::load(sums + c);
      if (bias) x = x + load_upto<Isa, Source>(bias + c, count - c);
      store_upto<Isa, Source>(out + c, x, count - c);
    }
  });
}

}  // namespace fattn::cpu
