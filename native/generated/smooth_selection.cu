// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/smooth.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance smooth_selection() {
  using Kernel = SmoothSelection;
  return {simt::compile_kernel<Kernel>("smooth_selection")};
}

}  // namespace fattn::gpu::instances
