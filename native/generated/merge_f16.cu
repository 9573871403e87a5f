// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/merge.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance merge_f16() {
  using Kernel = MergeAttention<simt::F16>;
  return {simt::compile_kernel<Kernel>("merge_f16")};
}

}  // namespace fattn::gpu::instances
