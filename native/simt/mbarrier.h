// Barriers in shared memory that count arrivals and bytes, phase by phase (sm_90, PTX ISA
// 9.7.13.15). A phase ends when all its arrivals have come and all bytes it expects have been
// written by bulk copies; the next then begins. Phases have parity 0, 1, 0, …. What a thread did
// before it arrived, and what the copies of the phase wrote, is known to whoever waited for its
// end.
#pragma once

#include <cstdint>

#include "simt/shared.h"

namespace fattn::simt {

/// The object in shared memory, reached by the functions below only.
struct alignas(8) MBarrier {
  uint64_t opaque;
};

/// One thread makes it, for `arrivals` arrivals per phase: mbarrier.init (9.7.13.15.9). Then
/// mbarrier_fence_init, and a barrier of the block before any other thread uses it.
FATTN_DEVICE void mbarrier_init(Shared<MBarrier> barrier, int arrivals);
/// Shows what this thread has made to bulk copies: fence.mbarrier_init (9.7.13.4).
FATTN_DEVICE void mbarrier_fence_init();
/// One arrival: mbarrier.arrive (9.7.13.15.13).
FATTN_DEVICE void mbarrier_arrive(Shared<MBarrier> barrier);
/// The phase expects `bytes` more, and one arrival: mbarrier.arrive.expect_tx. At a time less than
/// 2^20 bytes may be outstanding.
FATTN_DEVICE void mbarrier_arrive_expect(Shared<MBarrier> barrier, int bytes);
/// The bytes alone: mbarrier.expect_tx (9.7.13.15.11).
FATTN_DEVICE void mbarrier_expect(Shared<MBarrier> barrier, int bytes);
/// Until the current phase, or the one before it, is a finished one of `parity`: a loop of
/// mbarrier.try_wait.parity (9.7.13.15.16). Before the first phase has ended, parity 1 counts as
/// finished: who fills an empty stage begins with 1, who reads it with 0.
FATTN_DEVICE void mbarrier_wait(Shared<MBarrier> barrier, int parity);
/// Whether that wait would return at once: mbarrier.test_wait.parity.
FATTN_DEVICE bool mbarrier_test(Shared<MBarrier> barrier, int parity);

}  // namespace fattn::simt
