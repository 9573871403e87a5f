// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rms_norm.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rms_norm_f16() {
  using Kernel = RmsNorm<simt::F16>;
  return {simt::compile_kernel<Kernel>("rms_norm_f16")};
}

}  // namespace fattn::gpu::instances
