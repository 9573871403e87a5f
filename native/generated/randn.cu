// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/random.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance randn() {
  using Kernel = Random;
  return {simt::compile_kernel<Kernel>("randn")};
}

}  // namespace fattn::gpu::instances
