// AVX2, FMA and F16C: x86-64-v3.
#include "backends/cpu/path_table.h"
#include "backends/cpu/simd/avx2.h"

namespace fattn::cpu {

extern constinit KernelTable const kAvx2Kernels = kernel_table<Avx2>("avx2");

}  // namespace fattn::cpu
