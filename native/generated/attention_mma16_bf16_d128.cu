// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance attention_mma16_bf16_d128() {
  using Kernel = Mma16Attention<simt::BF16, 128, false>;
  return {simt::compile_kernel<Kernel>("attention_mma16_bf16_d128"), Kernel::kTileRows, Kernel::kTileKeys};
}

}  // namespace fattn::gpu::instances
