// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/check_lists.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance check_kept_tokens() {
  using Kernel = CheckKeptTokens;
  return {simt::compile_kernel<Kernel>("check_kept_tokens")};
}

}  // namespace fattn::gpu::instances
