// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/compressed_conv/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance compressed_conv_mma16_bf16_d128() {
  using Kernel = Mma16CompressedConv<simt::BF16, 128>;
  return {simt::compile_kernel<Kernel>("compressed_conv_mma16_bf16_d128"), Kernel::kTileTokens};
}

}  // namespace fattn::gpu::instances
