// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/compressed_conv/prepare.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance compressed_conv_prepare_bf16() {
  using Kernel = CompressedConvPrepare<simt::BF16>;
  return {simt::compile_kernel<Kernel>("compressed_conv_prepare_bf16")};
}

}  // namespace fattn::gpu::instances
