// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance attention_mma16_f16_d128_general() {
  using Kernel = Mma16Attention<simt::F16, 128, true>;
  return {simt::compile_kernel<Kernel>("attention_mma16_f16_d128_general"), Kernel::kTileRows, Kernel::kTileKeys};
}

}  // namespace fattn::gpu::instances
