// A tile of rows from beginning to end.
#pragma once

#include "kernels/attention/mma16/gathered_loop.h"
#include "kernels/attention/mma16/output.h"

namespace fattn::mma16 {

template <class Traits>
FATTN_DEVICE void attend_tile(AttentionParams const& p, WorkTile const& tile,
                              simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  keep_rows<Traits>(p, tile, memory);
  TileQueries<Traits> const queries{static_cast<Element const*>(p.q.data), memory};
  start_copy<Traits::kThreads, Traits::kBlockM, Traits::kHeadDim>(memory, Traits::kQuery, queries,
                                                                  0, p.head_dim);
  Accumulators<Traits> acc;
  if constexpr (Traits::kGathered)
    attend_gathered<Traits>(p, memory, acc);
  else
    attend<Traits>(p, memory, acc);
  if (p.chunks > 1) return store_partial<Traits>(p, memory, acc);

  simt::sync_block();  // every warp is done with its queries: outputs take their place
  finish_rows<Traits>(p, memory, acc);
  simt::sync_warp();  // each warp copies what its own lanes wrote
  store_rows<Traits>(p, memory);
}

}  // namespace fattn::mma16
