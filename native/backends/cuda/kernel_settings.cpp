#include "backends/cuda/kernel_settings.h"

namespace fattn::cuda {

/// Also has the driver load the kernel, where it is its first use in the process.
void KernelSettings::prepare(simt::CompiledKernel const& kernel) {
  std::lock_guard const lock(mutex_);
  if (prepared_.contains(kernel.entry)) return;
  context_.require(cudaFuncSetAttribute(kernel.entry, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        kernel.shared_bytes),
                   "preparing ", kernel.name, " with ", kernel.shared_bytes,
                   " bytes of shared memory");
  prepared_.insert(kernel.entry);
}

}  // namespace fattn::cuda
