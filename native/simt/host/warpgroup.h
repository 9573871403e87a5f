#pragma once

#include <exception>
#include <limits>
#include <type_traits>

#include "simt/host/products.h"
#include "simt/warpgroup.h"

namespace fattn::simt {

namespace host {
inline Products& products() { return block().facility<Products>(); }
}  // namespace host

template <int kN>
class WgmmaAccumulator {
 public:
  static_assert(kN >= 8 && kN <= 256 && kN % 8 == 0);
  static constexpr int kElements = kN / 2;

  WgmmaAccumulator() {
    for (float& sum : sums_) sum = std::numeric_limits<float>::quiet_NaN();
  }
  WgmmaAccumulator(WgmmaAccumulator const&) = delete;
  WgmmaAccumulator& operator=(WgmmaAccumulator const&) = delete;
  /// The unit would write to registers that are something else by then.
  ~WgmmaAccumulator() noexcept(false) {
    if (state_.pending > 0 && std::uncaught_exceptions() == 0)
      host::block().fail("leaves an accumulator behind before the wgmma_wait for its products");
  }

  float get(int element) const {
    host::products().touch(state_, element, "reads");
    return sums_[element];
  }
  void set(int element, float value) {
    host::products().touch(state_, element, "writes");
    sums_[element] = value;
  }

  /// For the functions below only.
  float* sums() { return sums_; }
  host::AccumulatorState& state() { return state_; }

 private:
  float sums_[kElements];
  mutable host::AccumulatorState state_;
};

namespace host {

template <class Element>
inline constexpr bool kIsHalf = std::is_same_v<Element, F16>;

template <int kN>
inline void fence(WgmmaAccumulator<kN>& accumulator) {
  products().fence(accumulator.state());
}
inline void fence(Fragment& fragment) { products().fence(fragment); }

}  // namespace host

template <class Element, Major kMajorA, Major kMajorB, int kN>
inline void wgmma(WgmmaAccumulator<kN>& d, MatrixDescriptor a, MatrixDescriptor b,
                  bool accumulate) {
  static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
  host::products().multiply({host::kIsHalf<Element>, false, kMajorA, kMajorB, kN},
                            {a, b, nullptr, accumulate, d.sums(), &d.state()});
}

template <class Element, Major kMajorB, int kN>
inline void wgmma(WgmmaAccumulator<kN>& d, Fragment const& a, MatrixDescriptor b, bool accumulate) {
  static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
  host::products().multiply({host::kIsHalf<Element>, true, Major::kK, kMajorB, kN},
                            {{0}, b, &a, accumulate, d.sums(), &d.state()});
}

template <class... Registers>
inline void wgmma_fence(Registers&... registers) {
  host::products().begin_fence();
  (host::fence(registers), ...);
}

inline void wgmma_commit() { host::products().commit(); }

template <int kPending, int... kN>
inline void wgmma_wait(WgmmaAccumulator<kN>&... accumulators) {
  host::products().begin_wait(kPending);
  (host::products().name(accumulators.state(), kPending), ...);
}

}  // namespace fattn::simt
