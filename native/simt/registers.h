// Registers move between the warpgroups of a block: setmaxnreg (sm_90a, PTX ISA 9.7.19.5). All
// threads of the warpgroup come together; the kernel has kMinBlocks 1. kRegisters per thread: a
// multiple of 8, 24 .. 256.
#pragma once

#include "simt/annotations.h"

namespace fattn::simt {

/// Gives up all but kRegisters: setmaxnreg.dec.
template <int kRegisters>
FATTN_DEVICE void lower_registers();
/// Waits until the block has so many to give: setmaxnreg.inc.
template <int kRegisters>
FATTN_DEVICE void raise_registers();

}  // namespace fattn::simt
