// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "kernels/sparse/check_lists.h"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance report_lists() {
  using Kernel = ReportLists;
  return {simt::compile_kernel<Kernel>("report_lists")};
}

}  // namespace fattn::gpu::instances
