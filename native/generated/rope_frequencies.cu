// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/elementwise/rope_frequencies.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance rope_frequencies() {
  using Kernel = RopeFrequenciesByLength;
  return {simt::compile_kernel<Kernel>("rope_frequencies")};
}

}  // namespace fattn::gpu::instances
