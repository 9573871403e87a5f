// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/merge.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance merge_f32() {
  using Kernel = MergeAttention<float>;
  return {simt::compile_kernel<Kernel>("merge_f32")};
}

}  // namespace fattn::gpu::instances
