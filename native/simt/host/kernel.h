#pragma once

#include <cstdint>

#include "simt/kernel.h"
#include "simt/shared.h"

namespace fattn::simt {

namespace host {

/// What CompiledKernel::entry points to.
struct EmulatedEntry {
  void (*run)(void const* params, uint32_t shared_address);  // one thread
};

template <class Kernel>
void run_emulated(void const* params, uint32_t shared_address) {
  Kernel::run(*static_cast<typename Kernel::Params const*>(params), SharedMemory{shared_address});
}

template <class Kernel>
inline constexpr EmulatedEntry kEmulatedEntry{run_emulated<Kernel>};

}  // namespace host

template <class Kernel>
CompiledKernel compile_kernel(char const* name) {
  return {name,
          &host::kEmulatedEntry<Kernel>,
          Kernel::kThreads,
          Kernel::kSharedBytes,
          sizeof(typename Kernel::Params),
          Kernel::kMinBlocks};
}

}  // namespace fattn::simt
