// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/list_keys.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance list_keys() {
  using Kernel = ListKeys;
  return {simt::compile_kernel<Kernel>("list_keys")};
}

}  // namespace fattn::gpu::instances
