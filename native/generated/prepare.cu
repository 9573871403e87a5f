// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/prepare.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance prepare() {
  using Kernel = PrepareIndices;
  return {simt::compile_kernel<Kernel>("prepare")};
}

}  // namespace fattn::gpu::instances
