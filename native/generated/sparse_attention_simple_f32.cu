// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/simple/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance sparse_attention_simple_f32() {
  using Kernel = SimpleSparseAttention<float>;
  return {simt::compile_kernel<Kernel>("sparse_attention_simple_f32"), Kernel::kTileRows, Kernel::kStepKeys};
}

}  // namespace fattn::gpu::instances
