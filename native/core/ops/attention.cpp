#include "core/ops/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/ops/attention_extras.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

// Lengths, positions and head numbers live in int32 tensors, and products of two of them in int64.
constexpr int64_t kMaxExtent = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxWindow = int64_t{1} << 53;  // what a JavaScript number holds exactly

void check_extent(char const* name, int64_t value, int64_t least) {
  check(value >= least && value <= kMaxExtent, ErrorCode::kShape, "attention: ", name, " is ",
        value, ", expected ", least, " to ", kMaxExtent);
}

void check_heads(AttentionDesc const& desc) {
  check_extent("hQ", desc.heads_q, 1);
  check_extent("hK", desc.heads_k, 1);
  check_extent("hV", desc.heads_v, 1);
  check_extent("hO", desc.heads_out, 1);
  check(desc.heads_out >= desc.heads_q && desc.heads_out % desc.heads_q == 0, ErrorCode::kShape,
        "attention: ", desc.heads_out, " output heads cannot share ", desc.heads_q, " query heads");
  bool const reversed = desc.heads_q < desc.heads_out;
  check(desc.head_map <= HeadMap::kInterleave, ErrorCode::kArgumentValue,
        "attention: unknown headMap ", static_cast<int>(desc.head_map));
  check(!reversed || desc.head_map != HeadMap::kGrouped, ErrorCode::kOption,
        "attention: headMap 'grouped' shares keys and values; with fewer query heads than key or "
        "value heads it is called 'interleave'");
  check(reversed || desc.head_map != HeadMap::kInterleave, ErrorCode::kOption,
        "attention: headMap 'interleave' needs fewer query heads than key or value heads");
}

/// Without a map tensor, head o of the output reads head o * shared / heads_out or o mod shared.
void check_shared_heads(char const* name, int64_t shared, int64_t heads_out, bool mapped) {
  check(mapped || (heads_out >= shared && heads_out % shared == 0), ErrorCode::kShape,
        "attention: ", heads_out, " output heads are not a multiple of ", shared, " ", name,
        " heads");
}

void check_scalars(AttentionDesc const& desc) {
  check(std::isfinite(static_cast<float>(desc.scale)), ErrorCode::kArgumentValue,
        "attention: scale is ", desc.scale, ", expected a finite number");
  check((desc.softcap == 0 || static_cast<float>(desc.softcap) > 0) &&
            std::isfinite(static_cast<float>(desc.softcap)),
        ErrorCode::kArgumentValue, "attention: softcap is ", desc.softcap,
        ", expected a finite number >= 0");
  for (int64_t const side : {desc.window_left, desc.window_right})
    check(side >= -1 && side <= kMaxWindow, ErrorCode::kArgumentValue,
          "attention: a side of window is ", side, ", expected -1 to ", kMaxWindow);
  check(desc.sink_tokens >= 0 && desc.sink_tokens <= kMaxWindow, ErrorCode::kArgumentValue,
        "attention: sinkTokens is ", desc.sink_tokens, ", expected 0 to ", kMaxWindow);
  check(desc.precision <= Precision::kBFloat16, ErrorCode::kArgumentValue,
        "attention: unknown precision ", static_cast<int>(desc.precision));
  check(desc.precision == Precision::kStorage || desc.dtype == DType::f32, ErrorCode::kOption,
        "attention: precision 'bfloat16' is for float32 tensors, these are ", name_of(desc.dtype));
}

/// Shapes that recur among the operands.
struct Shapes {
  explicit Shapes(AttentionDesc const& d)
      : q(d.packed ? Extents{d.seq_q, d.heads_q, d.head_dim}
                   : Extents{d.batch, d.seq_q, d.heads_q, d.head_dim}),
        k(d.packed ? Extents{d.seq_kv, d.heads_k, d.head_dim}
                   : Extents{d.batch, d.seq_kv, d.heads_k, d.head_dim}),
        v(d.packed ? Extents{d.seq_kv, d.heads_v, d.head_dim_v}
                   : Extents{d.batch, d.seq_kv, d.heads_v, d.head_dim_v}),
        out(d.packed ? Extents{d.seq_q, d.heads_out, d.head_dim_v}
                     : Extents{d.batch, d.seq_q, d.heads_out, d.head_dim_v}),
        rows(d.packed ? Extents{d.heads_out, d.seq_q} : Extents{d.batch, d.heads_out, d.seq_q}),
        queries(d.packed ? Extents{d.seq_q} : Extents{d.batch, d.seq_q}),
        keys(d.packed ? Extents{d.seq_kv} : Extents{d.batch, d.seq_kv}) {}

  Extents q, k, v, out, rows, queries, keys;
};

void check_main(AttentionDesc const& desc, AttentionArgs const& args, Shapes const& shapes,
                Operands const& operands) {
  operands.expect("q", args.q, desc.dtype, shapes.q);
  operands.expect("k", args.k, desc.dtype, shapes.k);
  operands.expect("v", args.v, desc.dtype, shapes.v);
  operands.expect("out", args.out, desc.dtype, shapes.out);
  operands.expect_optional("lse", args.lse, DType::f32, shapes.rows);
  check_last_axis("q", args.q);
  check_last_axis("k", args.k);
  check_last_axis("v", args.v);
  check_last_axis("out", args.out);
  check_distinct("out", args.out);
  if (args.lse.defined()) check_distinct("lse", args.lse);
}

/// Tensors that change a score: per pair, per row or per head.
void check_score_tensors(AttentionDesc const& desc, AttentionArgs& args, Shapes const& shapes,
                         Operands const& operands) {
  Extents const pairs{desc.batch, desc.heads_out, desc.seq_q, desc.seq_kv};
  if (args.bias.defined()) {
    check(args.bias.dtype == DType::f32 || args.bias.dtype == desc.dtype, ErrorCode::kDType,
          "bias is ", name_of(args.bias.dtype), ", expected float32 or ", name_of(desc.dtype));
    operands.expect_broadcast("bias", args.bias, args.bias.dtype, pairs);
  }
  if (args.mask.defined()) {
    check(args.mask.dtype == DType::boolean || args.mask.dtype == DType::u8, ErrorCode::kDType,
          "mask is ", name_of(args.mask.dtype), ", expected bool or uint8");
    operands.expect_broadcast("mask", args.mask, args.mask.dtype, pairs);
  }
  operands.expect_broadcast("temperature", args.temperature, DType::f32, shapes.rows);
  operands.expect_broadcast("gate", args.gate, DType::f32, shapes.rows);
  operands.expect_optional("sinks", args.sinks, DType::f32, {desc.heads_out});
  if (args.alibi_slopes.defined()) {
    bool const per_sequence = args.alibi_slopes.rank() == 2;
    operands.expect("alibiSlopes", args.alibi_slopes, DType::f32,
                    per_sequence ? Extents{desc.batch, desc.heads_out} : Extents{desc.heads_out});
  }
}

/// int32 tensors. What is in them is checked when the job runs.
void check_index_tensors(AttentionDesc const& desc, AttentionArgs const& args, Shapes const& shapes,
                         Operands const& operands) {
  auto const expect = [&](char const* name, TensorView const& view, Extents const& sizes) {
    operands.expect_optional(name, view, DType::i32, sizes);
  };
  expect("segments.q", args.segments_q, shapes.queries);
  expect("segments.k", args.segments_k, shapes.keys);
  expect("prefixLengths", args.prefix_lengths, {desc.batch});
  expect("kvLengths", args.kv_lengths, {desc.batch});
  expect("cuSeqLensQ", args.cu_seq_lens_q, {desc.batch + 1});
  expect("cuSeqLensK", args.cu_seq_lens_k, {desc.batch + 1});
  expect("window.left", args.window_left, {desc.heads_out});
  expect("window.right", args.window_right, {desc.heads_out});
  expect("sinkTokens", args.sink_tokens, {desc.heads_out});
  expect("headMap.k", args.head_map_k, {desc.heads_q});
  expect("headMap.v", args.head_map_v, {desc.heads_q});
}

void check_combinations(AttentionDesc const& desc, AttentionArgs const& args) {
  check(args.cu_seq_lens_q.defined() == desc.packed && args.cu_seq_lens_k.defined() == desc.packed,
        ErrorCode::kOption, "packed calls need cuSeqLensQ and cuSeqLensK, others take neither");
  check(!desc.packed || !(args.bias.defined() || args.mask.defined() || args.kv_lengths.defined()),
        ErrorCode::kOption, "bias, mask and kvLengths have no meaning in a packed call");
  check(args.segments_q.defined() == args.segments_k.defined(), ErrorCode::kOption,
        "segments are needed for queries and for keys");
  check(!args.prefix_lengths.defined() || desc.causal, ErrorCode::kOption,
        "prefixLengths need causal");
  bool const mapped = args.head_map_k.defined() || args.head_map_v.defined();
  int64_t const widest = std::max({desc.heads_q, desc.heads_k, desc.heads_v});
  check(desc.heads_out == (mapped ? desc.heads_q : widest), ErrorCode::kShape,
        "attention: ", desc.heads_out, " output heads, expected ", mapped ? desc.heads_q : widest);
  check_shared_heads("key", desc.heads_k, desc.heads_out, args.head_map_k.defined());
  check_shared_heads("value", desc.heads_v, desc.heads_out, args.head_map_v.defined());
}

void check_outputs_apart(AttentionArgs const& args) {
  auto const check_input = [&](std::string_view name, TensorView const& view) {
    check_apart("out", args.out, name, view);
    check_apart("lse", args.lse, name, view);
  };
  check_input("q", args.q);
  check_input("k", args.k);
  check_input("v", args.v);
  for (OptionalTensor const& tensor : kOptionalTensors)
    if (tensor.view != &AttentionArgs::lse) check_input(tensor.name, args.*tensor.view);
  check(args.out.storage != args.lse.storage, ErrorCode::kOption, "out and lse share a storage");
}

}  // namespace

void describe_attention(AttentionArgs const& args, AttentionDesc& desc) {
  desc.packed = args.cu_seq_lens_q.defined();
  int const rank = desc.packed ? 3 : 4;
  auto const check_rank = [rank](char const* name, TensorView const& view) {
    check(view.rank() == rank, ErrorCode::kShape, name, " has ", view.rank(), " axes, expected ",
          rank);
  };
  check_rank("q", args.q);
  check_rank("k", args.k);
  check_rank("v", args.v);
  desc.dtype = args.q.dtype;
  if (desc.packed)
    check(args.cu_seq_lens_q.rank() == 1 && args.cu_seq_lens_q.sizes[0] >= 1, ErrorCode::kShape,
          "cuSeqLensQ is ", args.cu_seq_lens_q.sizes, ", expected [b + 1]");
  desc.batch = desc.packed ? args.cu_seq_lens_q.sizes[0] - 1 : args.q.sizes[0];
  desc.seq_q = args.q.sizes[rank - 3];
  desc.seq_kv = args.k.sizes[rank - 3];
  desc.heads_q = args.q.sizes[rank - 2];
  desc.heads_k = args.k.sizes[rank - 2];
  desc.heads_v = args.v.sizes[rank - 2];
  bool const mapped = args.head_map_k.defined() || args.head_map_v.defined();
  desc.heads_out = mapped ? desc.heads_q : std::max({desc.heads_q, desc.heads_k, desc.heads_v});
  desc.head_dim = args.q.sizes[rank - 1];
  desc.head_dim_v = args.v.sizes[rank - 1];
}

void check_description(AttentionDesc const& desc) {
  check(is_float(desc.dtype), ErrorCode::kDType, "attention: dtype is ", name_of(desc.dtype),
        ", expected float32, float16 or bfloat16");
  check_extent("b", desc.batch, 0);
  check_extent("sQ", desc.seq_q, 0);
  check_extent("sKv", desc.seq_kv, 0);
  check_extent("d", desc.head_dim, 1);
  check_extent("dV", desc.head_dim_v, 1);
  check_heads(desc);
  check_scalars(desc);
}

void check_attention(AttentionDesc const& desc, AttentionArgs& args) {
  check(args.q.defined(), ErrorCode::kDisposed, "q has no storage");
  check_description(desc);
  check_combinations(desc, args);
  Shapes const shapes(desc);
  Operands const operands(args.q.device());
  check_main(desc, args, shapes, operands);
  check_score_tensors(desc, args, shapes, operands);
  check_index_tensors(desc, args, shapes, operands);
  check_outputs_apart(args);
}

}  // namespace fattn
