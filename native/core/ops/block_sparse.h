#pragma once

#include <cstdint>

#include "core/ops/attention.h"
#include "core/tensor_view.h"

namespace fattn {

/// Lists of key blocks in compressed sparse rows (seed-systems K3).
struct BlockLists {
  /// i32 [b, hL, nQ + 1]: the list of query block n is indices[offsets[n] .. offsets[n + 1]).
  TensorView offsets;
  TensorView indices;  // i32 [any]
};

/// Attention of each block of queries over the listed blocks of keys. Contents of the lists are
/// checked when it runs: a block that does not exist, or is listed twice, is ERR_INDEX.
struct BlockSparseArgs {
  AttentionArgs dense;  // of its optional tensors lse and kv_lengths; not packed
  BlockLists partial;   // blocks within which causal hides pairs
  BlockLists full;      // blocks of which all pairs count; either may be absent
};

struct BlockSparseDesc {
  int64_t block_q = 1;  // queries of a block; the last may have fewer
  int64_t block_k = 1;  // keys
};

void check_block_sparse(AttentionDesc const& desc, BlockSparseDesc const& blocks,
                        BlockSparseArgs& args);

}  // namespace fattn
