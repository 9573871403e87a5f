// The only macros of the code base. They say which compiler may see a function as what.
#pragma once

#if defined(__CUDACC__)
#define FATTN_DEVICE __device__ __forceinline__
#define FATTN_HOST_DEVICE __host__ __device__ __forceinline__
#define FATTN_UNROLL _Pragma("unroll")
#else
#define FATTN_DEVICE inline
#define FATTN_HOST_DEVICE inline
#define FATTN_UNROLL _Pragma("GCC unroll 16")
#endif
