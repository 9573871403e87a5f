#pragma once

#include "simt/host/register_file.h"
#include "simt/registers.h"

namespace fattn::simt {

template <int kRegisters>
inline void lower_registers() {
  host::block().facility<host::RegisterFile>().lower(kRegisters);
}
template <int kRegisters>
inline void raise_registers() {
  host::block().facility<host::RegisterFile>().raise(kRegisters);
}

}  // namespace fattn::simt
