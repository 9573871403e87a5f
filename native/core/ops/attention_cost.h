#pragma once

#include "core/ops/attention_extras.h"

namespace fattn {

/// How well the visible pairs of a call are known without the contents of its tensors.
enum class CostAccuracy : uint8_t {
  kExact = 0,
  kUpperBound = 1,  // a mask, segments, lengths, limits of each head: pairs they may show all count
  kEstimate = 2,    // packed: sequences as long as one another, to within one token
};

/// What a call costs, from shapes alone.
struct AttentionCost {
  double flops = 0;          // 2 (d + dV) per visible pair and output head
  double bytes = 0;          // compulsory: q, k, v, out and every extra tensor once each
  double visible_pairs = 0;  // per output head, summed over the batch
  CostAccuracy accuracy = CostAccuracy::kExact;
};
AttentionCost attention_cost(AttentionDesc const& desc, AttentionExtras const& extras = {});

/// Bytes of queries and output; of one key and one value of all heads.
double query_bytes(AttentionDesc const& desc);
double key_bytes(AttentionDesc const& desc);
double value_bytes(AttentionDesc const& desc);
/// Keys of all sequences together.
double keys_in_all(AttentionDesc const& desc);
/// Floating-point operations of that many pairs of every output head.
double flops_of(AttentionDesc const& desc, double pairs);

}  // namespace fattn
