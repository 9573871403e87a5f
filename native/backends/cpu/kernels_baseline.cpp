// x86-64 without extensions (SSE2), or any other processor the compiler has vectors for.
#include "backends/cpu/path_table.h"
#include "backends/cpu/simd/portable.h"

namespace fattn::cpu {

extern constinit KernelTable const kBaselineKernels = kernel_table<Baseline>("baseline");

}  // namespace fattn::cpu
