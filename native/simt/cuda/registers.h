// simt/registers.h on CUDA.
#pragma once

#include "simt/cuda/architecture.h"
#include "simt/registers.h"

namespace fattn::simt {

template <int kRegisters>
FATTN_DEVICE void lower_registers() {
  static_assert(kRegisters >= 24 && kRegisters <= 256 && kRegisters % 8 == 0);
  if constexpr (kHasSm90a)
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
  else
    __trap();
}

template <int kRegisters>
FATTN_DEVICE void raise_registers() {
  static_assert(kRegisters >= 24 && kRegisters <= 256 && kRegisters % 8 == 0);
  if constexpr (kHasSm90a)
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
  else
    __trap();
}

}  // namespace fattn::simt
