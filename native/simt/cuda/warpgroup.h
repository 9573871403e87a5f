// simt/warpgroup.h on CUDA. The compiler does not know that the products run on after the
// instruction: fences and waits take the registers of their accumulators as operands, so that no
// use of them moves across.
#pragma once

#include <type_traits>

#include "simt/cuda/architecture.h"
#include "simt/cuda/wgmma_forms.h"
#include "simt/warpgroup.h"

namespace fattn::simt {

template <int kN>
class WgmmaAccumulator {
 public:
  static_assert(kN >= 8 && kN <= 256 && kN % 8 == 0);
  static constexpr int kElements = kN / 2;

  WgmmaAccumulator() = default;
  WgmmaAccumulator(WgmmaAccumulator const&) = delete;
  WgmmaAccumulator& operator=(WgmmaAccumulator const&) = delete;

  FATTN_DEVICE float get(int element) const { return registers_[element]; }
  FATTN_DEVICE void set(int element, float value) { registers_[element] = value; }

  /// For the functions below only.
  FATTN_DEVICE float (&registers())[kElements] { return registers_; }

 private:
  float registers_[kElements];
};

template <int kN>
FATTN_DEVICE void pin(WgmmaAccumulator<kN>& accumulator) {
  FATTN_UNROLL
  for (int i = 0; i < kN / 2; ++i) asm volatile("" : "+f"(accumulator.registers()[i])::"memory");
}
FATTN_DEVICE void pin(Fragment& fragment) {
  FATTN_UNROLL
  for (int i = 0; i < 4; ++i) asm volatile("" : "+r"(fragment.word[i])::"memory");
}

// The part of the instruction's name that says what it multiplies.
template <class Element>
struct WgmmaTypes;
template <>
struct WgmmaTypes<F16> {
  static constexpr char const kName[] = "f32.f16.f16";
};
template <>
struct WgmmaTypes<BF16> {
  static constexpr char const kName[] = "f32.bf16.bf16";
};

template <class Element, Major kMajorA, Major kMajorB, int kN>
FATTN_DEVICE void wgmma(WgmmaAccumulator<kN>& d, MatrixDescriptor a, MatrixDescriptor b,
                        bool accumulate) {
  if constexpr (kHasSm90a)
    WgmmaForm<kN>::template from_shared<WgmmaTypes<Element>, static_cast<int>(kMajorA),
                                        static_cast<int>(kMajorB)>(d.registers(), a.bits, b.bits,
                                                                   accumulate);
  else
    __trap();
}

template <class Element, Major kMajorB, int kN>
FATTN_DEVICE void wgmma(WgmmaAccumulator<kN>& d, Fragment const& a, MatrixDescriptor b,
                        bool accumulate) {
  if constexpr (kHasSm90a)
    WgmmaForm<kN>::template from_registers<WgmmaTypes<Element>, static_cast<int>(kMajorB)>(
        d.registers(), a.word, b.bits, accumulate);
  else
    __trap();
}

template <class... Registers>
FATTN_DEVICE void wgmma_fence(Registers&... registers) {
  (pin(registers), ...);
  if constexpr (kHasSm90a)
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
  else
    __trap();
}

FATTN_DEVICE void wgmma_commit() {
  if constexpr (kHasSm90a)
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
  else
    __trap();
}

template <int kPending, int... kN>
FATTN_DEVICE void wgmma_wait(WgmmaAccumulator<kN>&... accumulators) {
  if constexpr (kHasSm90a)
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
  else
    __trap();
  (pin(accumulators), ...);
}

}  // namespace fattn::simt
