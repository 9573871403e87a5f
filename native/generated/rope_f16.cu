// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rope.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rope_f16() {
  using Kernel = Rope<simt::F16>;
  return {simt::compile_kernel<Kernel>("rope_f16")};
}

}  // namespace fattn::gpu::instances
