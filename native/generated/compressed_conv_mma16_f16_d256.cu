// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/compressed_conv/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance compressed_conv_mma16_f16_d256() {
  using Kernel = Mma16CompressedConv<simt::F16, 256>;
  return {simt::compile_kernel<Kernel>("compressed_conv_mma16_f16_d256"), Kernel::kTileTokens};
}

}  // namespace fattn::gpu::instances
