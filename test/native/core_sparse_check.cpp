#include <functional>

#include "core/ops/block_sparse.h"
#include "core/ops/dynamic_mask.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

AttentionDesc describe(AttentionArgs const& dense) {
  AttentionDesc desc;
  describe_attention(dense, desc);
  return desc;
}

AttentionArgs dense(int64_t seq_q) {
  AttentionArgs a;
  a.q = host_view(DType::f16, {2, seq_q, 4, 8});
  a.k = host_view(DType::f16, {2, 9, 2, 8});
  a.v = host_view(DType::f16, {2, 9, 2, 8});
  a.out = host_view(DType::f16, {2, seq_q, 4, 8});
  a.lse = host_view(DType::f32, {2, 4, seq_q});
  return a;
}

SparseAttentionArgs intervals() {
  SparseAttentionArgs args;
  args.dense = dense(5);
  args.scores = host_view(DType::f32, {2, 2, 9});
  args.intervals = host_view(DType::i32, {2, 2, 2, 9});
  return args;
}

SparseAttentionArgs listed() {
  SparseAttentionArgs args;
  args.dense = dense(1);
  args.kept.tokens = host_view(DType::i32, {2, 2, 4});
  args.kept.scores = host_view(DType::f32, {2, 2, 3});
  return args;
}

BlockSparseArgs blocks() {
  BlockSparseArgs args;
  args.dense = dense(5);
  args.partial.offsets = host_view(DType::i32, {2, 1, 4});
  args.partial.indices = host_view(DType::i32, {7});
  return args;
}

void refused(ErrorCode code, SparseAttentionArgs args, std::string const& part,
             std::function<void(SparseAttentionArgs&)> const& flaw) {
  flaw(args);
  expect_throws(
      code, [&] { check_sparse_attention(describe(args.dense), args); }, part);
}

}  // namespace

TEST(sparse_check_takes_what_is_sound) {
  for (SparseAttentionArgs args : {intervals(), listed()})
    check_sparse_attention(describe(args.dense), args);
  BlockSparseArgs args = blocks();
  check_block_sparse(describe(args.dense), {.block_q = 2, .block_k = 4}, args);
}

TEST(sparse_check_refuses_each_flaw) {
  refused(ErrorCode::kShape, intervals(), "scores", [](auto& a) {
    a.scores = host_view(DType::f32, {2, 2, 8});
  });
  refused(ErrorCode::kShape, intervals(), "3 score heads", [](auto& a) {
    a.scores = host_view(DType::f32, {2, 3, 9});
    a.intervals = host_view(DType::i32, {2, 3, 2, 9});
  });
  refused(ErrorCode::kDType, intervals(), "intervals", [](auto& a) {
    a.intervals = host_view(DType::f32, {2, 2, 2, 9});
  });
  refused(ErrorCode::kLayout, intervals(), "intervals",
          [](auto& a) { a.intervals.strides[3] = 0; });
  refused(ErrorCode::kBounds, intervals(), "intervals", [](auto& a) { a.intervals.offset = 1; });
  refused(ErrorCode::kOption, intervals(), "mask",
          [](auto& a) { a.dense.mask = host_view(DType::u8, {1}); });
  refused(ErrorCode::kOption, intervals(), "shares its storage", [](auto& a) {
    a.dense = dense(9);
    a.scores = a.dense.lse;
    a.intervals = host_view(DType::i32, {2, 4, 2, 9});
  });
  refused(ErrorCode::kShape, listed(), "serve one query", [](auto& a) { a.dense = dense(2); });
  refused(ErrorCode::kShape, listed(), "kept tokens", [](auto& a) {
    a.kept.tokens = host_view(DType::i32, {2, 2, 3});
  });
  refused(ErrorCode::kLayout, listed(), "contiguous",
          [](auto& a) { a.kept.scores.strides[0] = 0; });
  refused(ErrorCode::kOption, listed(), "take no kvLengths",
          [](auto& a) { a.dense.kv_lengths = host_view(DType::i32, {2}); });
}

TEST(block_check_refuses_each_flaw) {
  auto const refuse = [](ErrorCode code, std::string const& part, int64_t block_q,
                         std::function<void(BlockSparseArgs&)> const& flaw) {
    BlockSparseArgs args = blocks();
    flaw(args);
    expect_throws(
        code,
        [&] { check_block_sparse(describe(args.dense), {.block_q = block_q, .block_k = 4}, args); },
        part);
  };
  refuse(ErrorCode::kArgumentValue, "blockQ", 0, [](auto&) {});
  refuse(ErrorCode::kShape, "partial.offsets", 1, [](auto&) {});
  refuse(ErrorCode::kOption, "no lists", 2, [](auto& a) { a.partial = {}; });
  refuse(ErrorCode::kOption, "needs offsets and indices", 2,
         [](auto& a) { a.partial.indices = {}; });
  refuse(ErrorCode::kDType, "partial.indices", 2,
         [](auto& a) { a.partial.indices = host_view(DType::f32, {7}); });
  refuse(ErrorCode::kShape, "full.offsets", 2, [](auto& a) {
    a.full.offsets = host_view(DType::i32, {2, 2, 4});
    a.full.indices = host_view(DType::i32, {1});
  });
  refuse(ErrorCode::kOption, "gate", 2, [](auto& a) { a.dense.gate = host_view(DType::f32, {1}); });
}

TEST(key_checks_refuse_each_flaw) {
  KeyIntervalsArgs const sound{.scores = host_view(DType::f32, {2, 2, 9}),
                               .kv_lengths = host_view(DType::i32, {2}),
                               .cu_seq_lens_q = {},
                               .cu_seq_lens_k = {},
                               .intervals = host_view(DType::i32, {2, 2, 2, 9})};
  check_key_intervals({.keep = 1}, sound);
  auto const refuse = [&](ErrorCode code, std::string const& part, KeyIntervalsDesc const& desc,
                          std::function<void(KeyIntervalsArgs&)> const& flaw) {
    KeyIntervalsArgs args = sound;
    flaw(args);
    expect_throws(
        code, [&] { check_key_intervals(desc, args); }, part);
  };
  refuse(ErrorCode::kArgumentValue, "keep", {.keep = 0}, [](auto&) {});
  refuse(ErrorCode::kArgumentValue, "blockSize", {.block_size = -1}, [](auto&) {});
  refuse(ErrorCode::kArgumentValue, "sQ", {.seq_q = -1}, [](auto&) {});
  refuse(ErrorCode::kLayout, "intervals", {}, [](auto& a) { a.intervals.strides[0] = 0; });
  refuse(ErrorCode::kOption, "packed calls", {},
         [](auto& a) { a.cu_seq_lens_q = host_view(DType::i32, {3}); });
  KeyScoresArgs scores{.v = host_view(DType::bf16, {5, 3, 4}),
                       .wdt = host_view(DType::bf16, {12, 2}),
                       .a = host_view(DType::f32, {2}),
                       .scores = host_view(DType::f32, {2, 5})};
  check_key_scores(KeyScoreForm::kExp, scores);
  scores.wdt = host_view(DType::f16, {12, 2});
  expect_throws(
      ErrorCode::kDType, [&] { check_key_scores(KeyScoreForm::kExp, scores); }, "wdt");
  scores.wdt = host_view(DType::f32, {11, 2});
  expect_throws(
      ErrorCode::kShape, [&] { check_key_scores(KeyScoreForm::kExp, scores); }, "wdt");
}
