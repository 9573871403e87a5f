// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/linear/simple/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance linear_simple_f32() {
  using Kernel = SimpleLinear<float>;
  return {simt::compile_kernel<Kernel>("linear_simple_f32"), Kernel::kTileRows, Kernel::kTileColumns};
}

}  // namespace fattn::gpu::instances
