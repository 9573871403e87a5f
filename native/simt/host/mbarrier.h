#pragma once

#include "simt/host/phase_barriers.h"
#include "simt/mbarrier.h"

namespace fattn::simt {

namespace host {
inline PhaseBarrier& phase_barrier(Shared<MBarrier> barrier) {
  return block().facility<PhaseBarriers>().at(barrier.address);
}
}  // namespace host

inline void mbarrier_init(Shared<MBarrier> barrier, int arrivals) {
  host::block().facility<host::PhaseBarriers>().init(barrier.address, arrivals);
}
inline void mbarrier_fence_init() { host::block().facility<host::PhaseBarriers>().fence_init(); }
inline void mbarrier_arrive(Shared<MBarrier> barrier) { host::phase_barrier(barrier).arrive(); }
inline void mbarrier_arrive_expect(Shared<MBarrier> barrier, int bytes) {
  host::phase_barrier(barrier).expect(bytes);
  host::phase_barrier(barrier).arrive();
}
inline void mbarrier_expect(Shared<MBarrier> barrier, int bytes) {
  host::phase_barrier(barrier).expect(bytes);
}
inline void mbarrier_wait(Shared<MBarrier> barrier, int parity) {
  host::phase_barrier(barrier).wait(parity);
}
inline bool mbarrier_test(Shared<MBarrier> barrier, int parity) {
  return host::phase_barrier(barrier).test(parity);
}

}  // namespace fattn::simt
