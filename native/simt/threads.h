// Who a thread is, and how the threads of a block meet and talk.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::simt {

struct Index3 {
  uint32_t x, y, z;
};

constexpr int kWarpSize = 32;

FATTN_DEVICE int thread_index();    // within the block, 0 .. kThreads - 1; PTX ISA 10.1 %tid
FATTN_DEVICE Index3 block_index();  // PTX ISA 10.6 %ctaid
FATTN_DEVICE Index3 grid_size();    // in blocks; PTX ISA 10.7 %nctaid
FATTN_DEVICE int lane_index();      // within the warp, 0 .. 31
FATTN_DEVICE int warp_index();      // within the block; equal in all lanes, and known to be so

/// All threads of the block: bar.sync 0 (PTX ISA 9.7.13.1).
FATTN_DEVICE void sync_block();
/// `threads` threads (a multiple of 32) meet at barrier kId, 1 .. 15: bar.sync.
template <int kId>
FATTN_DEVICE void sync_barrier(int threads);
/// Counts as having reached barrier kId without waiting: bar.arrive.
template <int kId>
FATTN_DEVICE void arrive_barrier(int threads);
/// All lanes of the warp, with their memory: bar.warp.sync (PTX ISA 9.7.13.2).
FATTN_DEVICE void sync_warp();

/// True in one lane, whichever; all lanes of the warp: elect.sync (sm_90, PTX ISA 9.7.13.14).
FATTN_DEVICE bool elect_one();

/// The value of lane `lane` xor `mask`: shfl.sync.bfly (PTX ISA 9.7.9.6). T has 4 bytes; all lanes.
template <class T>
FATTN_DEVICE T shuffle_xor(T value, int mask);
/// The value of lane `from`: shfl.sync.idx.
template <class T>
FATTN_DEVICE T shuffle(T value, int from);
/// The value of the lane `distance` below, of the lane itself where there is none: shfl.sync.up.
template <class T>
FATTN_DEVICE T shuffle_up(T value, int distance);
/// The same of the lane above: shfl.sync.down.
template <class T>
FATTN_DEVICE T shuffle_down(T value, int distance);

/// vote.sync (PTX ISA 9.7.13.10), all lanes of the warp.
FATTN_DEVICE bool any_lane(bool value);
FATTN_DEVICE bool all_lanes(bool value);
FATTN_DEVICE uint32_t ballot(bool value);
/// redux.sync.or / .add / .max (PTX ISA 9.7.13.13), all lanes of the warp.
FATTN_DEVICE uint32_t reduce_or(uint32_t value);
FATTN_DEVICE int32_t reduce_add(int32_t value);
FATTN_DEVICE int32_t reduce_max(int32_t value);

/// Atomics on global memory, relaxed, at device scope: atom.global (PTX ISA 9.7.13.5). They return
/// the old value.
FATTN_DEVICE int32_t atomic_add(int32_t* target, int32_t value);
FATTN_DEVICE float atomic_add(float* target, float value);
FATTN_DEVICE int32_t atomic_min(int32_t* target, int32_t value);
FATTN_DEVICE int32_t atomic_max(int32_t* target, int32_t value);
FATTN_DEVICE int32_t atomic_exchange(int32_t* target, int32_t value);
FATTN_DEVICE int32_t atomic_compare_exchange(int32_t* target, int32_t expected, int32_t value);
/// Orders this thread's global writes before its later ones, for the whole device:
/// fence.acq_rel.gpu.
FATTN_DEVICE void fence_device();

}  // namespace fattn::simt
