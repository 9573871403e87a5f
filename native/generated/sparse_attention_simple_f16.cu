// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/simple/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance sparse_attention_simple_f16() {
  using Kernel = SimpleSparseAttention<simt::F16>;
  return {simt::compile_kernel<Kernel>("sparse_attention_simple_f16"), Kernel::kTileRows, Kernel::kStepKeys};
}

}  // namespace fattn::gpu::instances
