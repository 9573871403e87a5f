// Asynchronous copies from global to shared memory, PTX ISA 9.7.9.25.3 (cp.async). What they wrote
// is there for this thread after `wait_copies`, and for the others after a barrier that follows it.
#pragma once

#include "simt/shared.h"

namespace fattn::simt {

/// 16 bytes, both sides aligned to 16: cp.async.cg. Where `valid` is false zeros are written and
/// `source` is not read.
FATTN_DEVICE void copy_async_16(Shared<Quad> target, void const* source, bool valid);
/// kBytes of 4 or 8, aligned to their size: cp.async.ca.
template <int kBytes>
FATTN_DEVICE void copy_async_small(uint32_t target_address, void const* source, bool valid);
/// Closes the group of this thread's copies since the last one: cp.async.commit_group.
FATTN_DEVICE void commit_copies();
/// Waits until at most kPending of this thread's groups are under way: cp.async.wait_group.
template <int kPending>
FATTN_DEVICE void wait_copies();

}  // namespace fattn::simt
