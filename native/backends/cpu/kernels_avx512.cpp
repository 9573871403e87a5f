// AVX-512 F, BW, DQ, VL: x86-64-v4.
#include "backends/cpu/path_table.h"
#include "backends/cpu/simd/avx512.h"

namespace fattn::cpu {

extern constinit KernelTable const kAvx512Kernels = kernel_table<Avx512>("avx512");

}  // namespace fattn::cpu
