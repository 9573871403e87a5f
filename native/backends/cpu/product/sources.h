// Reading operands of each storage type into vectors, and writing results back.
#pragma once

#include "backends/cpu/product/layout.h"
#include "simt/annotations.h"

namespace fattn::cpu {

template <class Isa>
struct F32Source {
  using Element = float;
  static constexpr bool kSplits = false;
  [[gnu::always_inline]] static typename Isa::F load(Element const* p) { return Isa::load(p); }
  [[gnu::always_inline]] static void store(Element* p, typename Isa::F x) { Isa::store(p, x); }
  [[gnu::always_inline]] static void load_twice(Element const* p, typename Isa::F* x) {
    x[0] = Isa::load_twice(p);
    x[1] = Isa::load_twice(p + Isa::kLanes / 2);
  }
};
template <class Isa>
struct F16Source {
  using Element = uint16_t;
  static constexpr bool kSplits = false;
  [[gnu::always_inline]] static typename Isa::F load(Element const* p) { return Isa::widen_f16(p); }
  [[gnu::always_inline]] static void store(Element* p, typename Isa::F x) { Isa::store_f16(p, x); }
  [[gnu::always_inline]] static void load_twice(Element const* p, typename Isa::F* x) {
    typename Isa::F const all = load(p);
    x[0] = Isa::low_twice(all);
    x[1] = Isa::high_twice(all);
  }
};
template <class Isa>
struct Bf16Source {
  using Element = uint16_t;
  static constexpr bool kSplits = true;
  /// Elements 0, 2, 4, … and 1, 3, 5, … of 2 kLanes: one instruction each, where widening takes
  /// two.
  [[gnu::always_inline]] static void load_split(Element const* p, typename Isa::F* x) {
    typename Isa::I const pairs = Isa::load(reinterpret_cast<int32_t const*>(p));
    x[0] = Isa::as_float(pairs << 16);
    x[1] = Isa::as_float(pairs & INT32_C(-65536));
  }
  [[gnu::always_inline]] static typename Isa::F load(Element const* p) {
    return Isa::widen_bf16(p);
  }
  [[gnu::always_inline]] static void store(Element* p, typename Isa::F x) { Isa::store_bf16(p, x); }
  [[gnu::always_inline]] static void load_twice(Element const* p, typename Isa::F* x) {
    typename Isa::I const pairs = Isa::load_twice(reinterpret_cast<int32_t const*>(p));
    x[0] = Isa::as_float(pairs << 16);
    x[1] = Isa::as_float(pairs & INT32_C(-65536));
  }
};

/// `count` < lanes elements at p, then zeros: never reads past them.
template <class Isa, class Source>
[[gnu::always_inline]] inline typename Isa::F load_partial(typename Source::Element const* p,
                                                           int count) {
  typename Source::Element padded[Isa::kLanes] = {};
  for (int i = 0; i < count; ++i) padded[i] = p[i];
  return Source::load(padded);
}

/// `count` elements at p, zero-filled to a vector.
template <class Isa, class Source>
[[gnu::always_inline]] inline typename Isa::F load_upto(typename Source::Element const* p,
                                                        int count) {
  return count >= Isa::kLanes ? Source::load(p) : load_partial<Isa, Source>(p, count);
}

template <class Isa, class Source>
[[gnu::always_inline]] inline void store_upto(typename Source::Element* p, typename Isa::F x,
                                              int count) {
  if (count >= Isa::kLanes) return Source::store(p, x);
  typename Source::Element padded[Isa::kLanes];
  Source::store(padded, x);
  for (int i = 0; i < count; ++i) p[i] = padded[i];
}

/// Calls `body.template operator()<Source>()` with the source of a floating-point dtype.
template <class Isa, class Body>
[[gnu::always_inline]] inline void with_source(DType dtype, Body body) {
  if (dtype == DType::f32) return body.template operator()<F32Source<Isa>>();
  if (dtype == DType::f16) return body.template operator()<F16Source<Isa>>();
  body.template operator()<Bf16Source<Isa>>();
}

/// Token `row` of head `head`, as elements of the source.
template <class Source>
[[gnu::always_inline]] inline typename Source::Element const* row_of(Operand const& t, int64_t base,
                                                                     int64_t row, int64_t head) {
  return reinterpret_cast<typename Source::Element const*>(t.data) + base + row * t.row +
         head * t.head;
}

}  // namespace fattn::cpu
