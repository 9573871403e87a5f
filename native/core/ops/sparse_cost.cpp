#include "core/ops/sparse_cost.h"

#include <algorithm>

#include "core/error.h"

namespace fattn {
namespace {

constexpr double kWord = 4;  // bytes of a score and of an index

void check_heads(char const* what, int64_t heads, AttentionDesc const& desc) {
  check(heads >= 1 && desc.heads_out % heads == 0, ErrorCode::kShape, heads, " ", what,
        ", expected a divisor of ", desc.heads_out);
}

/// Attention of which only so many keys count for each query. The nearest ones: those of the best
/// scores are as many.
AttentionDesc narrowed(AttentionDesc desc, int64_t keys) {
  if (desc.causal) {
    desc.window_left = keys - 1;
    return desc;
  }
  int64_t const sequences = desc.packed ? desc.batch : 1;
  if (keys < desc.seq_kv / std::max<int64_t>(sequences, 1)) desc.seq_kv = keys * sequences;
  return desc;
}

/// Keys that are read for one key head, if `heads` choices are made and each names `pairs`.
double keys_read(AttentionDesc const& desc, double pairs, int64_t heads, int64_t key_heads) {
  double const choices = std::max(1.0, static_cast<double>(heads) / static_cast<double>(key_heads));
  return std::min(keys_in_all(desc), pairs * choices);
}

double sparse_bytes(AttentionDesc const& desc, double pairs, int64_t heads) {
  return query_bytes(desc) + keys_read(desc, pairs, heads, desc.heads_k) * key_bytes(desc) +
         keys_read(desc, pairs, heads, desc.heads_v) * value_bytes(desc);
}

}  // namespace

AttentionCost dynamic_mask_cost(AttentionDesc const& desc, AttentionExtras const& extras,
                                DynamicMaskSizes const& sizes) {
  check_description(desc);
  check_heads("score heads", sizes.heads, desc);
  check(sizes.keep >= 1 && sizes.block_size >= 0, ErrorCode::kArgumentValue, "keep is ", sizes.keep,
        ", blockSize ", sizes.block_size);
  bool const all = sizes.selection == KeySelection::kRelu;
  // More than half of each block was kept, or it is dropped.
  int64_t const keep = sizes.block_size > 1 ? 2 * sizes.keep - 1 : sizes.keep;
  AttentionCost cost = attention_cost(all ? desc : narrowed(desc, keep), extras);
  if (cost.accuracy == CostAccuracy::kExact &&
      (sizes.selection != KeySelection::kPerQuery || sizes.block_size > 1))
    cost.accuracy = CostAccuracy::kUpperBound;
  double const heads = static_cast<double>(sizes.heads);
  // A state holds a score and an index for each key it keeps, of those there are.
  double const kept = static_cast<double>(desc.batch) *
                      static_cast<double>(std::min<int64_t>(sizes.keep, desc.seq_kv));
  double const scores = heads * (sizes.state ? 2 * kept : keys_in_all(desc));
  cost.bytes =
      sparse_bytes(desc, cost.visible_pairs, sizes.heads) + kWord * scores + extras.bytes();
  return cost;
}

KeyScoresCost key_scores_cost(AttentionDesc const& desc, DynamicMaskSizes const& sizes) {
  double const keys = keys_in_all(desc), heads = static_cast<double>(sizes.heads);
  double const width = static_cast<double>(desc.heads_v) * static_cast<double>(desc.head_dim_v);
  double const weights = static_cast<double>(size_of(desc.dtype)) * heads * (width + 1);
  return {2 * keys * width * heads, keys * value_bytes(desc) + weights + kWord * keys * heads};
}

AttentionCost block_sparse_cost(AttentionDesc const& desc, AttentionExtras const& extras,
                                BlockSparseDesc const& blocks, BlockListSizes const& lists) {
  check_description(desc);
  check_heads("list heads", lists.heads, desc);
  check(blocks.block_q >= 1 && blocks.block_k >= 1 && lists.partial >= 0 && lists.full >= 0,
        ErrorCode::kArgumentValue, "blocks of ", blocks.block_q, " by ", blocks.block_k);
  double const heads = static_cast<double>(lists.heads);
  double const listed = static_cast<double>(lists.partial) + static_cast<double>(lists.full);
  double const block_q = static_cast<double>(blocks.block_q);
  double const block_k = static_cast<double>(blocks.block_k);
  AttentionCost cost = attention_cost(desc, extras);
  double const all = keys_in_all(desc) * static_cast<double>(desc.seq_q);
  cost.visible_pairs = std::min(all, listed / heads * block_q * block_k);
  cost.flops = flops_of(desc, cost.visible_pairs);
  bool const ragged = desc.seq_q % blocks.block_q != 0 || desc.seq_kv % blocks.block_k != 0;
  if (ragged || (desc.causal && lists.partial > 0)) cost.accuracy = CostAccuracy::kUpperBound;
  double const query_blocks =
      static_cast<double>((desc.seq_q + blocks.block_q - 1) / blocks.block_q);
  double const kinds = (lists.has_partial ? 1 : 0) + (lists.has_full ? 1 : 0);
  double const offsets = kinds * static_cast<double>(desc.batch) * heads * (query_blocks + 1);
  cost.bytes = sparse_bytes(desc, listed / heads * block_k, lists.heads) +
               kWord * (offsets + listed) + extras.bytes();
  return cost;
}

}  // namespace fattn
