// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance sparse_attention_mma16_bf16_d128() {
  using Kernel = Mma16SparseAttention<simt::BF16, 128>;
  return {simt::compile_kernel<Kernel>("sparse_attention_mma16_bf16_d128"), Kernel::kTileRows, Kernel::kTileKeys};
}

}  // namespace fattn::gpu::instances
