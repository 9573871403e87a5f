// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/compressed_conv/prologue.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance compressed_conv_simple_f32() {
  using Kernel = CompressedConv<float>;
  return {simt::compile_kernel<Kernel>("compressed_conv_simple_f32")};
}

}  // namespace fattn::gpu::instances
