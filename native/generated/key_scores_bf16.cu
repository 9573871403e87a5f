// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/scores.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance key_scores_bf16() {
  using Kernel = ScoreKeys<simt::BF16>;
  return {simt::compile_kernel<Kernel>("key_scores_bf16")};
}

}  // namespace fattn::gpu::instances
