#pragma once

#include "simt/host/block.h"
#include "simt/proxy.h"

namespace fattn::simt {

inline void fence_async_proxy() { host::block().knowledge().fence(host::block().self()); }

}  // namespace fattn::simt
