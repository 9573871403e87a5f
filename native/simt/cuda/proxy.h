// simt/proxy.h on CUDA.
#pragma once

#include "simt/cuda/architecture.h"
#include "simt/proxy.h"

namespace fattn::simt {

FATTN_DEVICE void fence_async_proxy() {
  if constexpr (kHasSm90)
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  else
    __trap();
}

}  // namespace fattn::simt
