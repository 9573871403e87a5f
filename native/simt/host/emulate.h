// Runs a kernel that was compiled for the emulator. It is built to be unkind: see block.h for what
// it draws by chance, shadow.h for the mistakes it finds.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "simt/kernel.h"
#include "simt/threads.h"

namespace fattn::simt::host {

/// When asynchronous work takes effect: as late as the rules allow, or as early.
enum class Landing { kLate, kEarly };

struct EmulationOptions {
  uint64_t seed = 0;  // of the order of threads and blocks
  Landing landing = Landing::kLate;
  int host_threads = 1;     // that run blocks, the calling one among them
  uint64_t error_seed = 0;  // of approximate functions, whose results follow from it alone
};

/// A mistake of a kernel. The text says what, in which kernel, block and thread, and the seed.
struct EmulationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs all blocks of `grid`, in an order drawn by the seed, and returns when they are done.
/// `params` are `kernel.params_bytes` bytes, aligned as the kernel's Params. Throws EmulationError
/// on the first mistake, or where the GPU would refuse the launch. Thread-safe.
void emulate(CompiledKernel const& kernel, Index3 grid, void const* params,
             EmulationOptions const& options = {});

}  // namespace fattn::simt::host
