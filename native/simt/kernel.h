// What a kernel is, and how a host gets hold of it.
//
// A kernel is a struct:
//   using Params = …;                      a plain struct, handed over by value, at most 4 KB
//   static constexpr int kThreads;         per block, a multiple of 32
//   static constexpr int kMinBlocks;       per multiprocessor, for register allocation
//   static constexpr int kSharedBytes;     dynamic shared memory
//   FATTN_DEVICE static void run(Params const& params, SharedMemory memory);
// simt/cuda owns the one __global__ function that calls `run`, simt/host the loop that stands in
// for it.
#pragma once

#include <cstddef>

namespace fattn::simt {

/// A compiled kernel, seen from the host. `entry` is what the runtime of the same compiler
/// launches: CUDA's the address of the __global__ function, the emulator's an EmulatedEntry.
struct CompiledKernel {
  char const* name;  // as in instances.json
  void const* entry;
  int threads;
  int shared_bytes;
  size_t params_bytes;
  int min_blocks = 1;  // that a multiprocessor has room for
};

/// Instantiates `Kernel` for the compiler that reads this.
template <class Kernel>
CompiledKernel compile_kernel(char const* name);

}  // namespace fattn::simt
