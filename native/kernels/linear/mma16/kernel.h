// The matrix product on tensor cores, f16 and bf16, sm_80 and later.
#pragma once

#include "kernels/linear/mma16/result.h"

namespace fattn {

/// For calls that are `in_quads()`.
template <class Element>
struct Mma16Linear {
  using Traits = mma16::LinearTraits<Element>;
  using Params = LinearParams;
  static constexpr int kTileRows = Traits::kBlockM;
  static constexpr int kTileColumns = Traits::kBlockN;
  static constexpr int kThreads = Traits::kThreads;
  static constexpr int kMinBlocks = Traits::kMinBlocks;
  static constexpr int kSharedBytes = Traits::kSharedBytes;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    LinearTile const tile = find_linear_tile<kTileRows, kTileColumns>(p);
    mma16::keep_offsets<Traits>(p, tile, memory);
    simt::sync_block();
    mma16::LinearSums<Traits> sums;
    mma16::multiply_depth<Traits>(p, tile, memory, sums);
    simt::sync_block();  // every warp is done with the last stage: results take the place of stages
    mma16::lay_results<Traits>(p, tile, memory, sums);
    simt::sync_warp();  // each warp copies what its own lanes wrote
    mma16::store_results<Traits>(p, tile, memory);
  }
};

}  // namespace fattn
