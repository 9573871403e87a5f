// 64-bit Arm.
#include "backends/cpu/path_table.h"
#include "backends/cpu/simd/neon.h"

namespace fattn::cpu {

extern constinit KernelTable const kNeonKernels = kernel_table<Neon>("neon");

}  // namespace fattn::cpu
