// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/linear/simple/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance linear_simple_bf16() {
  using Kernel = SimpleLinear<simt::BF16>;
  return {simt::compile_kernel<Kernel>("linear_simple_bf16"), Kernel::kTileRows, Kernel::kTileColumns};
}

}  // namespace fattn::gpu::instances
