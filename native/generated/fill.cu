// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/fill.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance fill() {
  using Kernel = Fill;
  return {simt::compile_kernel<Kernel>("fill")};
}

}  // namespace fattn::gpu::instances
