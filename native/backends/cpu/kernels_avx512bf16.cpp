// x86-64-v4 with the bfloat16 dot product.
#include "backends/cpu/path_table.h"
#include "backends/cpu/simd/avx512.h"

namespace fattn::cpu {

extern constinit KernelTable const kAvx512Bf16Kernels = kernel_table<Avx512Bf16>("avx512bf16");

}  // namespace fattn::cpu
