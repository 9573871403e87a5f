// Bulk copies and warpgroup products see shared memory through the async proxy, loads and stores
// through the generic one.
#pragma once

#include "simt/annotations.h"

namespace fattn::simt {

/// What this thread knows of and did in shared memory comes before what the async proxy does for
/// those who learn of it from here on: fence.proxy.async.shared::cta (sm_90, PTX ISA 9.7.13.4).
/// After writing what wgmma or a bulk store reads, and after reading what a bulk load will
/// overwrite.
FATTN_DEVICE void fence_async_proxy();

}  // namespace fattn::simt
