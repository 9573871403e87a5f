// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/combine.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance combine_f32() {
  using Kernel = CombineAttention<float>;
  return {simt::compile_kernel<Kernel>("combine_f32")};
}

}  // namespace fattn::gpu::instances
