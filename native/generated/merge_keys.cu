// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/dynamic_mask/sort.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance merge_keys() {
  using Kernel = MergeKeys;
  return {simt::compile_kernel<Kernel>("merge_keys")};
}

}  // namespace fattn::gpu::instances
