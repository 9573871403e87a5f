// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/merge.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance merge_bf16() {
  using Kernel = MergeAttention<simt::BF16>;
  return {simt::compile_kernel<Kernel>("merge_bf16")};
}

}  // namespace fattn::gpu::instances
