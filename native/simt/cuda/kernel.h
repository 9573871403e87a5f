// simt/kernel.h on CUDA: the one __global__ function.
#pragma once

#include <type_traits>

#include "simt/kernel.h"
#include "simt/shared.h"

namespace fattn::simt {

// The declared alignment of the dynamic shared memory is one the linker keeps: it places the block
// after the static memory (there is none) and the kilobyte that the driver reserves from sm_80 on.
// Hence no byte is spent on rounding; simt_conformance looks at the address on the hardware.
template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, Kernel::kMinBlocks)
    kernel_entry(const __grid_constant__ typename Kernel::Params params) {
  extern __shared__ __align__(1024) unsigned char memory[];
  Kernel::run(params, SharedMemory{static_cast<uint32_t>(__cvta_generic_to_shared(memory))});
}

template <class Kernel>
CompiledKernel compile_kernel(char const* name) {
  using Params = typename Kernel::Params;
  static_assert(std::is_trivially_copyable_v<Params> && sizeof(Params) <= 4096);
  static_assert(Kernel::kThreads % 32 == 0 && Kernel::kThreads <= 1024);
  return {name,
          reinterpret_cast<void const*>(&kernel_entry<Kernel>),
          Kernel::kThreads,
          Kernel::kSharedBytes,
          sizeof(Params),
          Kernel::kMinBlocks};
}

}  // namespace fattn::simt
