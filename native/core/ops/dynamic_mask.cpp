#include "core/ops/dynamic_mask.h"

#include <limits>

#include "core/error.h"
#include "core/ops/attention_extras.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

constexpr int64_t kMostTokens = std::numeric_limits<int32_t>::max() / 2;

void check_float(char const* name, TensorView const& view) {
  check(is_float(view.dtype), ErrorCode::kDType, name, " is ", name_of(view.dtype),
        ", expected float32, float16 or bfloat16");
}

void check_weights(char const* name, TensorView const& view, DType like) {
  check(view.dtype == DType::f32 || view.dtype == like, ErrorCode::kDType, name, " is ",
        name_of(view.dtype), ", expected float32 or ", name_of(like));
}

void check_kept(KeptKeys const& kept, Operands const& operands) {
  TensorView const& scores = kept.scores;
  check(scores.defined() && kept.tokens.defined(), ErrorCode::kDisposed,
        "the state has no storage");
  check(scores.rank() == 3 && scores.sizes[2] >= 1, ErrorCode::kShape, "kept scores are ",
        scores.sizes, ", expected [b, hB, keep]");
  operands.expect("kept scores", scores, DType::f32, scores.sizes);
  operands.expect("kept tokens", kept.tokens, DType::i32,
                  {scores.sizes[0], scores.sizes[1], scores.sizes[2] + 1});
  check(scores.contiguous() && kept.tokens.contiguous(), ErrorCode::kLayout,
        "kept tokens and scores must be contiguous");
}

/// Intervals and scores by key.
void check_intervals(AttentionDesc const& desc, SparseAttentionArgs const& args,
                     Operands const& operands) {
  int const rank = desc.packed ? 2 : 3;
  check(args.scores.rank() == rank, ErrorCode::kShape, "scores is ", args.scores.sizes,
        ", expected ", desc.packed ? "[hB, tK]" : "[b, hB, sKv]");
  int64_t const heads = args.scores.sizes[rank - 2];
  operands.expect(
      "scores", args.scores, DType::f32,
      desc.packed ? Extents{heads, desc.seq_kv} : Extents{desc.batch, heads, desc.seq_kv});
  operands.expect(
      "intervals", args.intervals, DType::i32,
      desc.packed ? Extents{heads, 2, desc.seq_kv} : Extents{desc.batch, heads, 2, desc.seq_kv});
  check_last_axis("intervals", args.intervals);
}

}  // namespace

void check_key_scores(KeyScoreForm form, KeyScoresArgs const& args) {
  TensorView const& v = args.v;
  check(form <= KeyScoreForm::kLinear, ErrorCode::kArgumentValue, "unknown form ",
        static_cast<int>(form));
  check(v.defined(), ErrorCode::kDisposed, "v has no storage");
  check_float("v", v);
  int const rank = v.rank();
  check(rank == 3 || rank == 4, ErrorCode::kShape, "v is ", v.sizes,
        ", expected [b, s, hV, dV] or [t, hV, dV]");
  check(args.a.rank() == 1 && args.a.sizes[0] >= 1, ErrorCode::kShape, "a is ", args.a.sizes,
        ", expected [hB]");
  Operands const operands(v.device());
  int64_t const heads = args.a.sizes[0], tokens = v.sizes[rank - 3];
  check(tokens <= kMostTokens, ErrorCode::kUnsupported, "sequences of 2^30 tokens or more");
  operands.expect_inside("v", v);
  check_last_axis("v", v);
  check_weights("wdt", args.wdt, v.dtype);
  check_weights("a", args.a, v.dtype);
  operands.expect("wdt", args.wdt, args.wdt.dtype,
                  {checked_multiply(v.sizes[rank - 2], v.sizes[rank - 1]), heads});
  operands.expect("a", args.a, args.a.dtype, {heads});
  operands.expect("scores", args.scores, DType::f32,
                  rank == 3 ? Extents{heads, tokens} : Extents{v.sizes[0], heads, tokens});
  check_distinct("scores", args.scores);
  check_apart("scores", args.scores, "v", v);
  check_apart("scores", args.scores, "wdt", args.wdt);
  check_apart("scores", args.scores, "a", args.a);
}

void check_key_intervals(KeyIntervalsDesc const& desc, KeyIntervalsArgs const& args) {
  TensorView const& scores = args.scores;
  check(scores.defined(), ErrorCode::kDisposed, "scores has no storage");
  check(desc.selection <= KeySelection::kRelu, ErrorCode::kArgumentValue, "unknown selection ",
        static_cast<int>(desc.selection));
  check(desc.keep >= 1, ErrorCode::kArgumentValue, "keep is ", desc.keep, ", expected at least 1");
  check(desc.block_size >= 0, ErrorCode::kArgumentValue, "blockSize is ", desc.block_size,
        ", expected at least 0");
  bool const packed = args.cu_seq_lens_q.defined();
  check(args.cu_seq_lens_k.defined() == packed && !(packed && args.kv_lengths.defined()),
        ErrorCode::kOption, "packed calls need cuSeqLensQ and cuSeqLensK, and no kvLengths");
  int const rank = packed ? 2 : 3;
  check(scores.rank() == rank, ErrorCode::kShape, "scores is ", scores.sizes, ", expected ",
        packed ? "[hB, tK]" : "[b, hB, sKv]");
  int64_t const heads = scores.sizes[rank - 2], keys = scores.sizes[rank - 1];
  check(desc.seq_q >= 0, ErrorCode::kArgumentValue, "sQ is ", desc.seq_q);
  check(keys <= kMostTokens && desc.seq_q <= kMostTokens, ErrorCode::kUnsupported,
        "sequences of 2^30 tokens or more");
  Operands const operands(scores.device());
  operands.expect("scores", scores, DType::f32, scores.sizes);
  if (packed) {
    check(args.cu_seq_lens_q.rank() == 1 && args.cu_seq_lens_q.sizes[0] >= 1, ErrorCode::kShape,
          "cuSeqLensQ is ", args.cu_seq_lens_q.sizes, ", expected [b + 1]");
    operands.expect("cuSeqLensQ", args.cu_seq_lens_q, DType::i32, args.cu_seq_lens_q.sizes);
    operands.expect("cuSeqLensK", args.cu_seq_lens_k, DType::i32, args.cu_seq_lens_q.sizes);
  }
  operands.expect_optional("kvLengths", args.kv_lengths, DType::i32, {scores.sizes[0]});
  operands.expect("intervals", args.intervals, DType::i32,
                  packed ? Extents{heads, 2, keys} : Extents{scores.sizes[0], heads, 2, keys});
  check_distinct("intervals", args.intervals);
  check_apart("intervals", args.intervals, "scores", scores);
  check_apart("intervals", args.intervals, "kvLengths", args.kv_lengths);
  check_apart("intervals", args.intervals, "cuSeqLensQ", args.cu_seq_lens_q);
  check_apart("intervals", args.intervals, "cuSeqLensK", args.cu_seq_lens_k);
}

void check_sparse_attention(AttentionDesc const& desc, SparseAttentionArgs& args) {
  check_attention(desc, args.dense);
  for (OptionalTensor const& tensor : kOptionalTensors) {
    auto const allowed = {&AttentionArgs::lse, &AttentionArgs::kv_lengths,
                          &AttentionArgs::cu_seq_lens_q, &AttentionArgs::cu_seq_lens_k};
    bool served = false;
    for (auto const each : allowed) served |= each == tensor.view;
    check(served || !(args.dense.*tensor.view).defined(), ErrorCode::kOption, tensor.name,
          " has no place in sparse attention");
  }
  check(desc.softcap == 0 && desc.window_left == -1 && desc.window_right == -1 &&
            desc.sink_tokens == 0,
        ErrorCode::kOption, "softcap, window and sinkTokens have no place in sparse attention");
  check(args.keep >= 0, ErrorCode::kArgumentValue, "keep is ", args.keep, ", expected at least 0");
  Operands const operands(args.dense.q.device());
  bool const listed = args.kept.tokens.defined();
  if (listed) {
    check_kept(args.kept, operands);
    check(!desc.packed && desc.seq_q == 1 && args.kept.scores.sizes[0] == desc.batch,
          ErrorCode::kShape, "kept keys of ", args.kept.scores.sizes[0],
          " sequences serve one query of each, got q ", args.dense.q.sizes);
    check(!args.dense.kv_lengths.defined() && !args.scores.defined() && !args.intervals.defined(),
          ErrorCode::kOption, "kept keys take no kvLengths, scores and intervals");
  } else {
    check_intervals(desc, args, operands);
  }
  int64_t const heads = listed ? args.kept.scores.sizes[1] : args.scores.sizes[desc.packed ? 0 : 1];
  check(heads >= 1 && desc.heads_out % heads == 0, ErrorCode::kShape, heads,
        " score heads, expected a divisor of ", desc.heads_out);
  for (auto const& [name, view] :
       {std::pair{"out", &args.dense.out}, std::pair{"lse", &args.dense.lse}}) {
    check_apart(name, *view, "scores", listed ? args.kept.scores : args.scores);
    check_apart(name, *view, "intervals", listed ? args.kept.tokens : args.intervals);
  }
}

void check_append_scores(AppendScoresArgs const& args) {
  check(args.scores.defined(), ErrorCode::kDisposed, "scores has no storage");
  Operands const operands(args.scores.device());
  check_kept(args.kept, operands);
  TensorView const& kept = args.kept.scores;
  check(args.scores.rank() == 3, ErrorCode::kShape, "scores is ", args.scores.sizes,
        ", expected [b, hB, n]");
  operands.expect("scores", args.scores, DType::f32,
                  {kept.sizes[0], kept.sizes[1], args.scores.sizes[2]});
  check_apart("the state", kept, "scores", args.scores);
  check_apart("the state", args.kept.tokens, "scores", args.scores);
}

}  // namespace fattn
