#pragma once

#include "core/ops/attention_cost.h"
#include "core/ops/block_sparse.h"
#include "core/ops/dynamic_mask.h"

namespace fattn {

// What attention over some of the keys costs, from sizes alone.

/// What a call of dynamic-mask attention has besides the sizes of attention.
struct DynamicMaskSizes {
  int64_t heads = 1;         // score heads, a divisor of the output heads
  bool from_values = false;  // scores are made from the values, else given
  bool state = false;        // of a state, whose scores are those of the keys it keeps
  KeySelection selection = KeySelection::kPerQuery;
  int64_t keep = 1;
  int64_t block_size = 0;
};

/// The attention over the kept keys. A key is read where a query keeps it, a value too, and the
/// scores are read; what a selection may drop is taken to be kept.
AttentionCost dynamic_mask_cost(AttentionDesc const& desc, AttentionExtras const& extras,
                                DynamicMaskSizes const& sizes);

struct KeyScoresCost {
  double flops = 0;
  double bytes = 0;  // compulsory: values and weights read once, scores written once
};
/// What goes before, where scores are made from the values.
KeyScoresCost key_scores_cost(AttentionDesc const& desc, DynamicMaskSizes const& sizes);

/// How many blocks lists name.
struct BlockListSizes {
  int64_t heads = 1;         // of the lists, a divisor of the output heads
  int64_t partial = 0;       // blocks that all partial lists name
  int64_t full = 0;          // and all full ones
  bool has_partial = false;  // lists that may be empty
  bool has_full = false;
};

/// Attention over listed blocks, the lists included. Pairs are those of an average list head.
AttentionCost block_sparse_cost(AttentionDesc const& desc, AttentionExtras const& extras,
                                BlockSparseDesc const& blocks, BlockListSizes const& lists);

}  // namespace fattn
