// The closed form of the cost against a count of every pair.

#include <random>

#include "core/ops/attention_cost.h"
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
  desc.heads_q = desc.heads_k = desc.heads_v = desc.heads_out = 1;
  desc.head_dim = desc.head_dim_v = 8;
  return desc;
}

/// attention-variants 1.3, word by word.
int64_t counted(AttentionDesc const& desc, int64_t seq_q, int64_t seq_kv) {
  int64_t pairs = 0;
  for (int64_t i = 0; i < seq_q; ++i) {
    int64_t const aligned = i + seq_kv - seq_q;
    for (int64_t j = 0; j < seq_kv; ++j) {
      bool const past = !desc.causal || j <= aligned;
      bool const near = (desc.window_left < 0 || j >= aligned - desc.window_left) &&
                        (desc.window_right < 0 || j <= aligned + desc.window_right);
      pairs += past && (near || j < desc.sink_tokens) ? 1 : 0;
    }
  }
  return pairs;
}

}  // namespace

TEST(cost_counts_visible_pairs_exactly) {
  std::mt19937 random(20240607);
  auto const pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  for (int round = 0; round < 4000; ++round) {
    AttentionDesc desc = description(pick(0, 3), pick(0, 14), pick(0, 14));
    desc.causal = pick(0, 1) == 1;
    desc.window_left = pick(-1, 16);
    desc.window_right = pick(-1, 16);
    desc.sink_tokens = pick(0, 3) == 0 ? pick(0, 20) : 0;
    double const expected =
        static_cast<double>(desc.batch * counted(desc, desc.seq_q, desc.seq_kv));
    std::ostringstream what;
    what << "sQ " << desc.seq_q << " sKv " << desc.seq_kv << " causal " << desc.causal << " window "
         << desc.window_left << ", " << desc.window_right << " sinks " << desc.sink_tokens;
    expect_equal(attention_cost(desc).visible_pairs, expected, what.str());
  }
}

TEST(cost_of_packed_calls_spreads_tokens_evenly) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    auto const pick = [&](int64_t high) { return static_cast<int64_t>(random() % (high + 1)); };
    AttentionDesc desc = description(1 + pick(6), pick(40), pick(40));
    desc.packed = true;
    desc.causal = pick(1) == 1;
    double expected = 0;
    for (int64_t b = 0; b < desc.batch; ++b)
      expected += static_cast<double>(
          counted(desc, desc.seq_q / desc.batch + (b < desc.seq_q % desc.batch ? 1 : 0),
                  desc.seq_kv / desc.batch + (b < desc.seq_kv % desc.batch ? 1 : 0)));
    expect_equal(attention_cost(desc).visible_pairs, expected);
  }
}

TEST(cost_of_known_shapes) {
  AttentionDesc desc = description(2, 4096, 4096);
  desc.dtype = DType::bf16;
  desc.causal = true;
  desc.heads_q = desc.heads_out = 16;
  desc.heads_k = desc.heads_v = 4;
  desc.head_dim = 64;
  desc.head_dim_v = 128;
  AttentionExtras lse;
  lse.add(&AttentionArgs::lse, 4.0 * 2 * 4096 * 16);
  AttentionCost const cost = attention_cost(desc, lse);
  double const pairs = 2.0 * 4096 * 4097 / 2;
  expect_equal(cost.visible_pairs, pairs);
  expect_equal(cost.flops, 2.0 * (64 + 128) * pairs * 16);
  expect_equal(cost.bytes,
               2.0 * 2 * 4096 * (16 * 64 + 16 * 128 + 4 * 64 + 4 * 128) + 4.0 * 2 * 4096 * 16);
}

TEST(cost_is_exact_and_cheap_at_the_largest_extents) {
  int64_t const longest = 2147483647;
  AttentionDesc desc = description(1, longest, longest);
  double const all = static_cast<double>(longest) * static_cast<double>(longest);
  expect_near(attention_cost(desc).visible_pairs, all, all * 1e-15);
  desc.causal = true;
  expect_near(attention_cost(desc).visible_pairs, (all + longest) / 2, all * 1e-15);
  desc.window_left = int64_t{1} << 53;
  desc.sink_tokens = int64_t{1} << 53;
  expect_near(attention_cost(desc).visible_pairs, (all + longest) / 2, all * 1e-15);
  desc.seq_q = longest + 1;
  expect_throws(
      ErrorCode::kShape, [&] { attention_cost(desc); }, "sQ");
}

TEST(extras_of_a_call_are_its_tensors_and_their_stored_bytes) {
  AttentionArgs args;
  args.q = args.k = args.v = args.out = host_view(DType::f32, {1, 5, 4, 8});
  expect_equal(AttentionExtras(args).bytes(), 0.0, "q, k, v and out are in every call");
  args.lse = host_view(DType::f32, {1, 4, 5});
  args.bias = broadcast("bias", host_view(DType::bf16, {4, 1, 5}), {1, 4, 5, 5});
  args.mask = host_view(DType::boolean, {1, 1, 5, 0});
  args.segments_q = args.segments_k = host_view(DType::i32, {1, 5});
  AttentionExtras const extras(args);
  expect_equal(extras.bytes(), 4.0 * 4 * 5 + 2.0 * 4 * 5 + 0 + 4.0 * 5);
  for (OptionalTensor const& tensor : kOptionalTensors)
    expect_equal(extras.has(tensor.view), (args.*tensor.view).defined(), std::string(tensor.name));
}

TEST(cost_is_an_upper_bound_where_contents_limit_what_is_seen) {
  AttentionDesc desc = description(2, 5, 7);
  desc.causal = true;
  desc.window_left = 1;
  auto const with = [&](OptionalTensor::Member tensor) {
    AttentionExtras extras;
    extras.add(tensor, 12);
    return attention_cost(desc, extras);
  };
  auto const pairs_of = [&](AttentionDesc const& wide) { return 2.0 * counted(wide, 5, 7); };
  AttentionDesc unbounded = desc, all_sinks = desc, prefixed = desc;
  unbounded.window_left = -1;
  all_sinks.sink_tokens = 7;
  prefixed.causal = false;
  using Args = AttentionArgs;
  expect_equal(with(&Args::window_left).visible_pairs, pairs_of(unbounded), "window.left");
  expect_equal(with(&Args::sink_tokens).visible_pairs, pairs_of(all_sinks), "sinkTokens");
  expect_equal(with(&Args::prefix_lengths).visible_pairs, pairs_of(prefixed), "prefixLengths");
  desc.causal = false;
  desc.window_right = 2;
  expect_equal(with(&Args::window_right).visible_pairs, pairs_of(prefixed), "window.right");

  double const bare = attention_cost(desc).bytes;
  for (OptionalTensor const& tensor : kOptionalTensors) {
    std::string const name(tensor.name);
    bool const shows_all = name == "lse" || name == "bias" || name == "sinks" || name == "gate" ||
                           name == "alibiSlopes" || name == "temperature" ||
                           name.rfind("headMap", 0) == 0 || name.starts_with("cuSeqLens");
    AttentionCost const cost = with(tensor.view);
    expect(cost.accuracy == (shows_all ? CostAccuracy::kExact : CostAccuracy::kUpperBound), name);
    expect_equal(cost.bytes, bare + 12, name);
  }
  desc.packed = true;
  expect(with(&Args::segments_q).accuracy == CostAccuracy::kEstimate, "packed");
}
