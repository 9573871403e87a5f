// simt/threads.h on CUDA.
#pragma once

#include "simt/cuda/architecture.h"
#include "simt/cuda/bits.h"
#include "simt/threads.h"

namespace fattn::simt {

constexpr uint32_t kAllLanes = 0xffffffffu;

FATTN_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
FATTN_DEVICE Index3 block_index() { return {blockIdx.x, blockIdx.y, blockIdx.z}; }
FATTN_DEVICE Index3 grid_size() { return {gridDim.x, gridDim.y, gridDim.z}; }
FATTN_DEVICE int lane_index() { return thread_index() % kWarpSize; }
// The shuffle tells the compiler that the value is uniform: branches on it need no divergence.
FATTN_DEVICE int warp_index() { return __shfl_sync(kAllLanes, thread_index() / kWarpSize, 0); }

FATTN_DEVICE void sync_block() { __syncthreads(); }
// The barrier is an immediate: a register would make ptxas reserve all sixteen.
template <int kId>
FATTN_DEVICE void sync_barrier(int threads) {
  static_assert(kId >= 1 && kId <= 15);
  asm volatile("bar.sync %0, %1;" ::"n"(kId), "r"(threads) : "memory");
}
template <int kId>
FATTN_DEVICE void arrive_barrier(int threads) {
  static_assert(kId >= 1 && kId <= 15);
  asm volatile("bar.arrive %0, %1;" ::"n"(kId), "r"(threads) : "memory");
}
FATTN_DEVICE void sync_warp() { __syncwarp(); }
FATTN_DEVICE bool elect_one() {
  uint32_t elected = 0;
  if constexpr (kHasSm90)
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "elect.sync _|p, 0xffffffff;\n"
        "selp.u32 %0, 1, 0, p;\n"
        "}"
        : "=r"(elected)
        :
        : "memory");
  else
    __trap();
  return elected != 0;
}

template <class T>
FATTN_DEVICE T shuffle_xor(T value, int mask) {
  static_assert(sizeof(T) == 4);
  auto const bits = same_bits<uint32_t>(value);
  return same_bits<T>(__shfl_xor_sync(kAllLanes, bits, mask));
}
template <class T>
FATTN_DEVICE T shuffle(T value, int from) {
  static_assert(sizeof(T) == 4);
  auto const bits = same_bits<uint32_t>(value);
  return same_bits<T>(__shfl_sync(kAllLanes, bits, from));
}
template <class T>
FATTN_DEVICE T shuffle_up(T value, int distance) {
  static_assert(sizeof(T) == 4);
  auto const bits = same_bits<uint32_t>(value);
  return same_bits<T>(__shfl_up_sync(kAllLanes, bits, static_cast<unsigned>(distance)));
}
template <class T>
FATTN_DEVICE T shuffle_down(T value, int distance) {
  static_assert(sizeof(T) == 4);
  auto const bits = same_bits<uint32_t>(value);
  return same_bits<T>(__shfl_down_sync(kAllLanes, bits, static_cast<unsigned>(distance)));
}

FATTN_DEVICE bool any_lane(bool value) { return __any_sync(kAllLanes, value) != 0; }
FATTN_DEVICE bool all_lanes(bool value) { return __all_sync(kAllLanes, value) != 0; }
FATTN_DEVICE uint32_t ballot(bool value) { return __ballot_sync(kAllLanes, value); }
FATTN_DEVICE uint32_t reduce_or(uint32_t value) { return __reduce_or_sync(kAllLanes, value); }
FATTN_DEVICE int32_t reduce_add(int32_t value) { return __reduce_add_sync(kAllLanes, value); }
FATTN_DEVICE int32_t reduce_max(int32_t value) { return __reduce_max_sync(kAllLanes, value); }

FATTN_DEVICE int32_t atomic_add(int32_t* target, int32_t value) { return atomicAdd(target, value); }
FATTN_DEVICE float atomic_add(float* target, float value) { return atomicAdd(target, value); }
FATTN_DEVICE int32_t atomic_min(int32_t* target, int32_t value) { return atomicMin(target, value); }
FATTN_DEVICE int32_t atomic_max(int32_t* target, int32_t value) { return atomicMax(target, value); }
FATTN_DEVICE int32_t atomic_exchange(int32_t* target, int32_t value) {
  return atomicExch(target, value);
}
FATTN_DEVICE int32_t atomic_compare_exchange(int32_t* target, int32_t expected, int32_t value) {
  return atomicCAS(target, expected, value);
}
FATTN_DEVICE void fence_device() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

}  // namespace fattn::simt
