// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rope.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rope_f32() {
  using Kernel = Rope<float>;
  return {simt::compile_kernel<Kernel>("rope_f32")};
}

}  // namespace fattn::gpu::instances
