// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rope.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rope_bf16() {
  using Kernel = Rope<simt::BF16>;
  return {simt::compile_kernel<Kernel>("rope_bf16")};
}

}  // namespace fattn::gpu::instances
