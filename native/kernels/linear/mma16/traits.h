// Shape of one thread block of the mma16 matrix product: constants, types and shared memory, no
// code.
//
// Eight warps of 64 rows by 64 columns each: per 16 columns of depth a warp reads four fragments of
// x and four of w for 32 products, 128 bytes of shared memory per product, one cycle of its
// bandwidth. Steps of 64 columns of depth are one panel wide (kernels/mma16/panel.h). Three are in
// shared memory, of which two are on their way; with 146 KB a multiprocessor of sm_80 or later
// holds one block, and sm_86 and sm_89, which have 99 KB, none.
#pragma once

#include "kernels/linear/params.h"

namespace fattn::mma16 {

template <class Element_>
struct LinearTraits {
  using Element = Element_;  // of x, w, bias and out

  static constexpr int kWarpsDown = 2, kWarpsAcross = 4;
  static constexpr int kStrips = 4, kTiles = 8;  // of 16 rows, of 8 columns, per warp
  static constexpr int kWarpRows = 16 * kStrips, kWarpColumns = 8 * kTiles;
  static constexpr int kBlockM = kWarpsDown * kWarpRows;
  static constexpr int kBlockN = kWarpsAcross * kWarpColumns;
  static constexpr int kDepth = 64;
  static constexpr int kStages = 3;
  static constexpr int kThreads = 32 * kWarpsDown * kWarpsAcross;
  static constexpr int kMinBlocks = 1;  // 255 registers per thread

  // Shared memory, in bytes from its start: stages, of x and w each, then tables of the block's
  // rows. In the end each warp's results lie where stages were.
  static constexpr int kX = 0;
  static constexpr int kW = kBlockM * 128;
  static constexpr int kStageBytes = (kBlockM + kBlockN) * 128;
  static constexpr int kResultBytes = kWarpRows * 128;     // of a warp: one panel
  static constexpr int kXOffsets = kStages * kStageBytes;  // int64_t [kBlockM]
  static constexpr int kOutOffsets = kXOffsets + 8 * kBlockM;
  static constexpr int kSharedBytes = kOutOffsets + 8 * kBlockM;

  static_assert(sizeof(Element) == 2, "mma.sync multiplies f16 or bf16; f32 goes to simple/");
  static_assert(kWarpColumns == 64, "a warp's results fill a panel");
  static_assert(kThreads == 2 * kBlockM, "a thread puts down one row of one table");
  static_assert(kResultBytes * kThreads / 32 <= kXOffsets, "results take the place of stages");
  static_assert(kSharedBytes + 1024 <= 164 * 1024, "a multiprocessor of sm_80");
};

}  // namespace fattn::mma16
