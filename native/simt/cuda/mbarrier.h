// simt/mbarrier.h on CUDA.
#pragma once

#include "simt/cuda/architecture.h"
#include "simt/mbarrier.h"

namespace fattn::simt {

FATTN_DEVICE void mbarrier_init(Shared<MBarrier> barrier, int arrivals) {
  if constexpr (kHasSm90)
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier.address), "r"(arrivals)
                 : "memory");
  else
    __trap();
}

FATTN_DEVICE void mbarrier_fence_init() {
  if constexpr (kHasSm90)
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  else
    __trap();
}

FATTN_DEVICE void mbarrier_arrive(Shared<MBarrier> barrier) {
  if constexpr (kHasSm90)
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier.address) : "memory");
  else
    __trap();
}

FATTN_DEVICE void mbarrier_arrive_expect(Shared<MBarrier> barrier, int bytes) {
  if constexpr (kHasSm90)
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier.address),
                 "r"(bytes)
                 : "memory");
  else
    __trap();
}

FATTN_DEVICE void mbarrier_expect(Shared<MBarrier> barrier, int bytes) {
  if constexpr (kHasSm90)
    asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(barrier.address),
                 "r"(bytes)
                 : "memory");
  else
    __trap();
}

// try_wait may sleep, for as long as the hardware sees fit.
FATTN_DEVICE bool mbarrier_try(Shared<MBarrier> barrier, int parity) {
  uint32_t ended = 0;
  if constexpr (kHasSm90)
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}"
        : "=r"(ended)
        : "r"(barrier.address), "r"(parity)
        : "memory");
  else
    __trap();
  return ended != 0;
}

FATTN_DEVICE void mbarrier_wait(Shared<MBarrier> barrier, int parity) {
  while (!mbarrier_try(barrier, parity)) {
  }
}

FATTN_DEVICE bool mbarrier_test(Shared<MBarrier> barrier, int parity) {
  uint32_t ended = 0;
  if constexpr (kHasSm90)
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}"
        : "=r"(ended)
        : "r"(barrier.address), "r"(parity)
        : "memory");
  else
    __trap();
  return ended != 0;
}

}  // namespace fattn::simt
