// What attention over some of the keys costs, against a count of every pair and element.

#include <algorithm>
#include <random>

#include "core/ops/sparse_cost.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

AttentionDesc description(int64_t batch, int64_t seq_q, int64_t seq_kv) {
  AttentionDesc desc;
  desc.batch = batch;
  desc.seq_q = seq_q;
  desc.seq_kv = seq_kv;
  desc.heads_q = desc.heads_out = 4;
  desc.heads_k = desc.heads_v = 2;
  desc.head_dim = 8;
  desc.head_dim_v = 16;
  return desc;
}

/// attention-variants 5.2: a row with v visible keys keeps min(v, w).
int64_t kept_pairs(AttentionDesc const& desc, int64_t keep) {
  int64_t pairs = 0;
  for (int64_t i = 0; i < desc.seq_q; ++i) {
    int64_t visible = 0;
    for (int64_t j = 0; j < desc.seq_kv; ++j)
      visible += !desc.causal || j <= i + desc.seq_kv - desc.seq_q ? 1 : 0;
    pairs += std::min(visible, keep);
  }
  return desc.batch * pairs;
}

constexpr double kQueryBytes = 4 * (4 * 8 + 4 * 16), kKeyBytes = 4 * 2 * 8,
                 kValueBytes = 4 * 2 * 16;

}  // namespace

TEST(sparse_cost_counts_kept_pairs_exactly) {
  std::mt19937 random(20240607);
  auto const pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  for (int round = 0; round < 2000; ++round) {
    AttentionDesc desc = description(pick(0, 3), pick(0, 14), pick(0, 14));
    desc.causal = pick(0, 1) == 1;
    DynamicMaskSizes sizes;
    sizes.keep = pick(1, 18);
    AttentionCost const cost = dynamic_mask_cost(desc, {}, sizes);
    double const pairs = static_cast<double>(kept_pairs(desc, sizes.keep));
    std::ostringstream what;
    what << "sQ " << desc.seq_q << " sKv " << desc.seq_kv << " causal " << desc.causal << " keep "
         << sizes.keep;
    expect_equal(cost.visible_pairs, pairs, what.str());
    expect_equal(cost.flops, 2.0 * (8 + 16) * 4 * pairs, what.str());
    double const keys = static_cast<double>(desc.batch * desc.seq_kv);
    double const read = std::min(keys, pairs);
    expect_equal(cost.bytes,
                 static_cast<double>(desc.batch * desc.seq_q) * kQueryBytes +
                     read * (kKeyBytes + kValueBytes) + 4 * keys,
                 what.str());
    expect(cost.accuracy == CostAccuracy::kExact);
  }
}

TEST(sparse_cost_of_one_token_follows_what_is_kept) {
  AttentionDesc const desc = description(3, 1, 1 << 20);
  DynamicMaskSizes sizes;
  sizes.keep = 100;
  sizes.state = true;
  sizes.heads = 2;
  AttentionCost const cost = dynamic_mask_cost(desc, {}, sizes);
  expect_equal(cost.visible_pairs, 300.0);
  double const kept = 300 * (kKeyBytes + kValueBytes);
  expect_equal(cost.bytes, 3 * kQueryBytes + kept + 4 * 2 * 2 * 300.0);
  // Four choices over two key heads: twice as many keys of each.
  sizes.heads = 4;
  expect_equal(dynamic_mask_cost(desc, {}, sizes).bytes,
               3 * kQueryBytes + 2 * kept + 4 * 4 * 2 * 300.0);
  // Before there are as many keys as it may keep.
  sizes.heads = 2;
  expect_equal(dynamic_mask_cost(description(3, 1, 7), {}, sizes).bytes,
               3 * kQueryBytes + 21 * (kKeyBytes + kValueBytes) + 4 * 2 * 2 * 21.0);
}

TEST(sparse_cost_bounds_what_scores_decide) {
  AttentionDesc desc = description(1, 40, 40);
  desc.causal = true;
  DynamicMaskSizes sizes;
  sizes.keep = 5;
  double const alone = dynamic_mask_cost(desc, {}, sizes).visible_pairs;
  sizes.selection = KeySelection::kShared;
  AttentionCost const shared = dynamic_mask_cost(desc, {}, sizes);
  expect_equal(shared.visible_pairs, alone);
  expect(shared.accuracy == CostAccuracy::kUpperBound);
  sizes.selection = KeySelection::kRelu;
  AttentionCost const relu = dynamic_mask_cost(desc, {}, sizes);
  expect_equal(relu.visible_pairs, 40.0 * 41 / 2);
  expect(relu.accuracy == CostAccuracy::kUpperBound);
  sizes.selection = KeySelection::kPerQuery;
  sizes.block_size = 4;
  AttentionCost const blocks = dynamic_mask_cost(desc, {}, sizes);
  expect_equal(blocks.visible_pairs, static_cast<double>(kept_pairs(desc, 9)));
  expect(blocks.accuracy == CostAccuracy::kUpperBound);
  desc.packed = true;
  expect(dynamic_mask_cost(desc, {}, sizes).accuracy == CostAccuracy::kEstimate);
}

TEST(sparse_cost_counts_packed_sequences_apart) {
  AttentionDesc desc = description(4, 400, 400);
  desc.packed = true;
  DynamicMaskSizes sizes;
  sizes.keep = 30;
  for (bool const causal : {false, true}) {
    desc.causal = causal;
    AttentionDesc one = description(4, 100, 100);
    one.causal = causal;
    expect_equal(dynamic_mask_cost(desc, {}, sizes).visible_pairs,
                 static_cast<double>(kept_pairs(one, 30)));
  }
}

TEST(sparse_cost_counts_scores_made_from_values) {
  AttentionDesc const desc = description(3, 7, 10);
  DynamicMaskSizes sizes;
  sizes.heads = 4;
  sizes.from_values = true;
  KeyScoresCost const cost = key_scores_cost(desc, sizes);
  expect_equal(cost.flops, 2.0 * 30 * 32 * 4);
  expect_equal(cost.bytes, 30 * kValueBytes + 4.0 * (32 * 4 + 4) + 4.0 * 30 * 4);
}

TEST(sparse_cost_counts_listed_blocks) {
  AttentionDesc desc = description(2, 64, 96);
  BlockSparseDesc blocks;
  blocks.block_q = 16;
  blocks.block_k = 32;
  BlockListSizes lists;
  lists.heads = 2;
  lists.full = 12;  // of 2 sequences, 2 heads, 4 by 3 blocks
  lists.has_full = true;
  AttentionCost const cost = block_sparse_cost(desc, {}, blocks, lists);
  expect_equal(cost.visible_pairs, 6.0 * 16 * 32);
  expect_equal(cost.flops, 2.0 * (8 + 16) * 4 * cost.visible_pairs);
  expect_equal(cost.bytes, 2 * 64 * kQueryBytes + 6 * 32 * (kKeyBytes + kValueBytes) +
                               4.0 * (2 * 2 * (4 + 1) + 12));
  expect(cost.accuracy == CostAccuracy::kExact);

  lists.has_partial = true;
  lists.partial = 4;
  expect(block_sparse_cost(desc, {}, blocks, lists).accuracy == CostAccuracy::kExact);
  desc.causal = true;  // within partial blocks
  expect(block_sparse_cost(desc, {}, blocks, lists).accuracy == CostAccuracy::kUpperBound);
  desc.causal = false;
  desc.seq_kv = 95;  // a block with fewer keys
  expect(block_sparse_cost(desc, {}, blocks, lists).accuracy == CostAccuracy::kUpperBound);
}

TEST(sparse_cost_refuses_sizes_that_make_no_sense) {
  AttentionDesc const desc = description(1, 4, 4);
  DynamicMaskSizes sizes;
  sizes.heads = 3;
  expect_throws(
      ErrorCode::kShape, [&] { dynamic_mask_cost(desc, {}, sizes); }, "score heads");
  sizes.heads = 1;
  sizes.keep = 0;
  expect_throws(
      ErrorCode::kArgumentValue, [&] { dynamic_mask_cost(desc, {}, sizes); }, "keep");
  BlockListSizes lists;
  lists.heads = 3;
  expect_throws(
      ErrorCode::kShape, [&] { block_sparse_cost(desc, {}, {}, lists); }, "list heads");
  lists.heads = 1;
  expect_throws(
      ErrorCode::kArgumentValue,
      [&] {
        block_sparse_cost(desc, {}, {0, 1}, lists);
      },
      "blocks");
}
