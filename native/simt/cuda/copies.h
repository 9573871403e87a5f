// simt/copies.h on CUDA.
#pragma once

#include "simt/copies.h"

namespace fattn::simt {

// A source size of 0 writes zeros and reads nothing.
FATTN_DEVICE void copy_async_16(Shared<Quad> target, void const* source, bool valid) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(target.address),
               "l"(__cvta_generic_to_global(source)), "r"(valid ? 16 : 0)
               : "memory");
}

template <int kBytes>
FATTN_DEVICE void copy_async_small(uint32_t target_address, void const* source, bool valid) {
  static_assert(kBytes == 4 || kBytes == 8);
  asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(target_address),
               "l"(__cvta_generic_to_global(source)), "n"(kBytes), "r"(valid ? kBytes : 0)
               : "memory");
}

FATTN_DEVICE void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

template <int kPending>
FATTN_DEVICE void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace fattn::simt
