// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/append.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance append_scores() {
  using Kernel = AppendScores;
  return {simt::compile_kernel<Kernel>("append_scores")};
}

}  // namespace fattn::gpu::instances
