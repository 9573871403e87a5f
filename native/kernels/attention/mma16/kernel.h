// Attention on tensor cores, f16 and bf16, sm_80 and later. Rows of q, k, v and out are aligned to
// 16 bytes, and head dims are multiples of 8 up to Traits::kHeadDim.
#pragma once

#include "kernels/attention/mma16/attend_tile.h"

namespace fattn {

/// kGeneral: any option. Otherwise `plain_scores()` must hold of the call.
template <class Element, int kHeadDim, bool kGeneral>
struct Mma16Attention {
  using Traits = mma16::Traits<Element, kHeadDim, kGeneral>;
  using Params = AttentionParams;
  static constexpr int kTileRows = Traits::kBlockM;
  static constexpr int kTileKeys = Traits::kBlockN;
  static constexpr int kThreads = Traits::kThreads;
  static constexpr int kMinBlocks = Traits::kMinBlocks;
  static constexpr int kSharedBytes = Traits::kSharedBytes;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    WorkTile const tile = find_tile<kTileRows>(p);
    if (!tile.exists || tile.rows <= 0) return;
    mma16::attend_tile<Traits>(p, tile, memory);
  }
};

}  // namespace fattn
