// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/combine.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance combine_bf16() {
  using Kernel = CombineAttention<simt::BF16>;
  return {simt::compile_kernel<Kernel>("combine_bf16")};
}

}  // namespace fattn::gpu::instances
