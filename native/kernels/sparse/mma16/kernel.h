// Sparse attention on tensor cores, f16 and bf16, sm_80 and later: the loop of attention/mma16 over
// gathered keys. Rows of q, k, v and out are aligned to 16 bytes, and head dims are multiples of 8
// up to Traits::kHeadDim.
#pragma once

#include "kernels/attention/mma16/attend_tile.h"

namespace fattn {

template <class Element, int kHeadDim>
struct Mma16SparseAttention {
  using Traits = mma16::Traits<Element, kHeadDim, false, true>;
  using Params = SparseAttentionParams;
  static constexpr int kTileRows = Traits::kBlockM;
  static constexpr int kTileKeys = Traits::kBlockN;
  static constexpr int kThreads = Traits::kThreads;
  static constexpr int kMinBlocks = Traits::kMinBlocks;
  static constexpr int kSharedBytes = Traits::kSharedBytes;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    SparseTile const tile = find_sparse_tile<kTileRows, kTileKeys>(p);
    if (!tile.work.exists) return;
    if (simt::thread_index() == 0) mma16::keep_source<Traits>(tile.source, memory);
    mma16::attend_tile<Traits>(p.dense, tile.work, memory);
  }
};

}  // namespace fattn
