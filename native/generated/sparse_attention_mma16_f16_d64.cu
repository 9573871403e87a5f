// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/mma16/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance sparse_attention_mma16_f16_d64() {
  using Kernel = Mma16SparseAttention<simt::F16, 64>;
  return {simt::compile_kernel<Kernel>("sparse_attention_mma16_f16_d64"), Kernel::kTileRows, Kernel::kTileKeys};
}

}  // namespace fattn::gpu::instances
