// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/check_lists.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance check_block_lists() {
  using Kernel = CheckBlockLists;
  return {simt::compile_kernel<Kernel>("check_block_lists")};
}

}  // namespace fattn::gpu::instances
