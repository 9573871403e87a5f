// What the architecture under compilation has. A primitive it lacks becomes a trap, so that every
// kernel compiles for every architecture; the table of instances keeps it from being launched
// there.
#pragma once

namespace fattn::simt {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
constexpr bool kHasSm90 = true;
#else
constexpr bool kHasSm90 = false;
#endif

// Instructions of sm_90a, which no other architecture has: wgmma and setmaxnreg.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool kHasSm90a = true;
#else
constexpr bool kHasSm90a = false;
#endif

}  // namespace fattn::simt
