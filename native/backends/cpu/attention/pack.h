// Packing the keys and values of a block in the order in which the micro-kernel reads them, widened
// or paired on the way.
#pragma once

#include "backends/cpu/attention/panels.h"
#include "backends/cpu/attention/scratch.h"
#include "backends/cpu/product/pack.h"

namespace fattn::cpu {

constexpr int kPrefetchKeys = 16;

/// The first `count` keys of the block that the key source is at, as panels [step][panel keys].
template <class Isa, class Source, class Product, class Keys>
[[gnu::always_inline]] inline void pack_keys(Operand const& k, int64_t base, int head,
                                             Keys const& keys, int count, int head_dim,
                                             int32_t* panels, int64_t panel_elements) {
  auto const row_at = [&](int j) [[gnu::always_inline]] {
    return row_of<Source>(k, base, keys.token(j), head);
  };
  pack_transposed<Isa, Source, Product>(row_at, count, head_dim, panels, panel_elements);
}

/// Marks those of the first `count` keys whose value row holds what the product takes for infinite
/// or NaN; true if there is one.
template <class Isa, class Source, class Product, class Keys>
[[gnu::noinline]] bool find_bad_values(Operand const& v, int64_t base, int head, Keys const& keys,
                                       int count, int head_dim_v, uint8_t* bad) {
  // Half a unit above the largest bfloat16, a value rounds to infinity.
  constexpr int32_t kInfinite = Product::kPerStep == 2 ? 0x7f7f8000 : 0x7f800000;
  auto finite_lanes = [&](int j, typename Isa::I finite) [[gnu::always_inline]] {
    auto const* row = row_of<Source>(v, base, keys.token(j), head);
    for (int c = 0; c < head_dim_v; c += Isa::kLanes) {
      typename Isa::F x = load_upto<Isa, Source>(row + c, head_dim_v - c);
      finite &= Isa::as_int(Isa::abs(x)) < kInfinite;
    }
    return finite;
  };
  auto some_are_not = [](typename Isa::I finite) [[gnu::always_inline]] {
    bool any = false;
    for (int i = 0; i < Isa::kLanes; ++i) any |= finite[i] == 0;
    return any;
  };
  typename Isa::I finite = Isa::set1(-1);
  for (int j = 0; j < count; ++j) {
    auto const* const ahead = row_of<Source>(v, base, keys.token(j + kPrefetchKeys), head);
    for (int c = 0; c < head_dim_v; c += Isa::kLanes) __builtin_prefetch(ahead + c, 0, 2);
    finite = finite_lanes(j, finite);
  }
  bool const any = some_are_not(finite);
  for (int j = 0; j < count; ++j)
    bad[j] = any && some_are_not(finite_lanes(j, Isa::set1(-1))) ? 1 : 0;
  return any;
}

/// The values of the first `count` keys as panels [step][panel columns]; a step is one key, or a
/// pair of keys on the dot path. Keys marked bad, and the missing half of a last pair, are zero.
template <class Isa, class Source, class Product, class Keys>
[[gnu::noinline]] void pack_values(Operand const& v, int64_t base, int head, Keys const& keys,
                                   int count, int head_dim_v, uint8_t const* bad, int32_t* panels,
                                   int64_t block_steps) {
  constexpr int kLanes = Isa::kLanes, kPanel = kLanes * Isa::kPanelVectors;
  auto read = [&](int j, int column) [[gnu::always_inline]] {
    if (j >= count || (bad && bad[j])) return Isa::zero();
    return load_upto<Isa, Source>(row_of<Source>(v, base, keys.token(j), head) + column,
                                  head_dim_v - column);
  };
  int const width = round_up(head_dim_v, kLanes);
  for (int j = 0; j < count; j += Product::kPerStep) {
    // Rows lie a whole token apart, which no hardware prefetcher follows: ask for those to come.
    typename Source::Element const* ahead[Product::kPerStep];
    for (int k = 0; k < Product::kPerStep; ++k) {
      ahead[k] = row_of<Source>(v, base, keys.token(j + kPrefetchKeys + k), head);
    }
    for (int c = 0; c < width; c += kLanes) {
      for (int k = 0; k < Product::kPerStep; ++k) __builtin_prefetch(ahead[k] + c, 0, 2);
      typename Isa::I bits = Isa::as_int(read(j, c));
      if constexpr (Product::kPerStep == 2) {
        typename Isa::F even = Isa::as_float(bits), odd = read(j + 1, c);
        bits = (typename Isa::I)(Isa::bf16_bits(even) | (Isa::bf16_bits(odd) << 16));
      }
      int const panel = c / kPanel * kPanel;
      int const panel_width = width - panel < kPanel ? width - panel : kPanel;
      Isa::store(panels + panel * block_steps + j / Product::kPerStep * panel_width + c - panel,
                 bits);
    }
  }
}

}  // namespace fattn::cpu
