// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/select.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance select_keys() {
  using Kernel = SelectKeys;
  return {simt::compile_kernel<Kernel>("select_keys")};
}

}  // namespace fattn::gpu::instances
