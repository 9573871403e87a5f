// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/sort.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance sort_keys() {
  using Kernel = SortKeys;
  return {simt::compile_kernel<Kernel>("sort_keys")};
}

}  // namespace fattn::gpu::instances
