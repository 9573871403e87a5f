// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/attention/simple/kernel.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance attention_simple_f16() {
  using Kernel = SimpleAttention<simt::F16>;
  return {simt::compile_kernel<Kernel>("attention_simple_f16"), Kernel::kTileRows, Kernel::kStepKeys};
}

}  // namespace fattn::gpu::instances
