// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/combine.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance combine_f16() {
  using Kernel = CombineAttention<simt::F16>;
  return {simt::compile_kernel<Kernel>("combine_f16")};
}

}  // namespace fattn::gpu::instances
