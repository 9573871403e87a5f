// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/linear/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance linear_mma16_f16() {
  using Kernel = Mma16Linear<simt::F16>;
  return {simt::compile_kernel<Kernel>("linear_mma16_f16"), Kernel::kTileRows, Kernel::kTileColumns};
}

}  // namespace fattn::gpu::instances
