#include "core/ops/merge_attention.h"

#include <string>

#include "core/error.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

/// [b, s, h, d] -> [b, h, s]; packed [t, h, d] -> [h, t].
Extents rows_of(Extents const& out) {
  if (out.rank() == 3) return {out[1], out[0]};
  return {out[0], out[2], out[1]};
}

void check_part(std::string const& name, MergePart& part, TensorView const& out,
                Extents const& rows, Operands const& operands) {
  operands.expect(name + ".out", part.out, out.dtype, out.sizes);
  check_last_axis(name + ".out", part.out);
  check(part.lse.defined() || part.weight.defined(), ErrorCode::kOption, name,
        " needs an lse or a weight");
  operands.expect_optional(name + ".lse", part.lse, DType::f32, rows);
  operands.expect_broadcast(name + ".weight", part.weight, DType::f32, rows);
}

void check_outputs_apart(std::string const& name, MergeArgs const& args, TensorView const& read) {
  check_apart("out", args.out, name, read);
  check_apart("lse", args.lse, name, read);
}

}  // namespace

void check_merge_attention(MergeArgs& args) {
  TensorView const& out = args.out;
  check(out.defined(), ErrorCode::kDisposed, "out has no storage");
  check(is_float(out.dtype), ErrorCode::kDType, "out is ", name_of(out.dtype),
        ", expected float32, float16 or bfloat16");
  check(out.rank() == 3 || out.rank() == 4, ErrorCode::kShape, "out is ", out.sizes,
        ", expected [b, s, h, d] or [t, h, d]");
  check(!args.parts.empty(), ErrorCode::kArgumentValue,
        "nothing to merge: expected one part or more");
  Operands const operands(out.device());
  operands.expect_inside("out", out);
  check_last_axis("out", out);
  check_distinct("out", out);
  Extents const rows = rows_of(out.sizes);
  operands.expect_optional("lse", args.lse, DType::f32, rows);
  if (args.lse.defined()) check_distinct("lse", args.lse);
  check(out.storage != args.lse.storage, ErrorCode::kOption, "out and lse share a storage");
  operands.expect_optional("sinks", args.sinks, DType::f32, {out.sizes[out.rank() - 2]});
  operands.expect_broadcast("gate", args.gate, DType::f32, rows);
  check_outputs_apart("sinks", args, args.sinks);
  check_outputs_apart("gate", args, args.gate);
  for (size_t i = 0; i < args.parts.size(); ++i) {
    std::string const name = "parts[" + std::to_string(i) + "]";
    MergePart& part = args.parts[i];
    check_part(name, part, out, rows, operands);
    check_outputs_apart(name + ".out", args, part.out);
    check_outputs_apart(name + ".lse", args, part.lse);
    check_outputs_apart(name + ".weight", args, part.weight);
  }
}

}  // namespace fattn
