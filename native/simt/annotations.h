// The only macros of the code base. They say which compiler may see a function as what.
#pragma once

#if defined(__CUDACC__)
#define FATTN_DEVICE __device__ __forceinline__
#define FATTN_HOST_DEVICE __host__ __device__ __forceinline__
#define FATTN_UNROLL _Pragma("unroll")
#define FATTN_UNROLL_DEVICE _Pragma("unroll")
#define FATTN_ROLLED_DEVICE _Pragma("unroll 1")
#else
// Always inlined: the per-instruction-set units of the CPU backend use these functions too, and an
// out-of-line copy compiled for a newer CPU could be linked into the path of an older one.
#define FATTN_DEVICE __attribute__((always_inline)) inline
#define FATTN_HOST_DEVICE __attribute__((always_inline)) inline
#define FATTN_UNROLL _Pragma("GCC unroll 16")
// For kernels whose arrays are registers. The emulator keeps them in memory, and unrolled its
// kernels take minutes to compile.
#define FATTN_UNROLL_DEVICE
#define FATTN_ROLLED_DEVICE
#endif
