// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/linear/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance linear_mma16_bf16() {
  using Kernel = Mma16Linear<simt::BF16>;
  return {simt::compile_kernel<Kernel>("linear_mma16_bf16"), Kernel::kTileRows, Kernel::kTileColumns};
}

}  // namespace fattn::gpu::instances
