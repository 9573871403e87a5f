// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rms_norm.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rms_norm_f32() {
  using Kernel = RmsNorm<float>;
  return {simt::compile_kernel<Kernel>("rms_norm_f32")};
}

}  // namespace fattn::gpu::instances
