// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/copy.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance copy() {
  using Kernel = Copy;
  return {simt::compile_kernel<Kernel>("copy")};
}

}  // namespace fattn::gpu::instances
