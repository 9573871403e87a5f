#include "core/ops/linear.h"

#include "core/error.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

/// `sizes` with another last axis.
Extents with_last(Extents sizes, int64_t last) {
  sizes[sizes.rank() - 1] = last;
  return sizes;
}

}  // namespace

LinearDesc describe_linear(LinearArgs const& args, Precision precision) {
  check(args.x.defined(), ErrorCode::kDisposed, "x has no storage");
  check(args.w.defined(), ErrorCode::kDisposed, "w has no storage");
  check(args.x.rank() >= 1, ErrorCode::kShape, "x is ", args.x.sizes, ", expected [..., in]");
  check(args.w.rank() == 2, ErrorCode::kShape, "w is ", args.w.sizes, ", expected [out, in]");
  LinearDesc desc;
  desc.dtype = args.x.dtype;
  desc.rows = with_last(args.x.sizes, 1).product();
  desc.in = args.w.sizes[1];
  desc.columns = args.w.sizes[0];
  desc.precision = precision;
  return desc;
}

LinearCost linear_cost(LinearDesc const& desc, bool bias) {
  check(desc.rows >= 0 && desc.in >= 0 && desc.columns >= 0, ErrorCode::kShape,
        "linear: ", desc.rows, " rows of ", desc.in, " to ", desc.columns);
  double const rows = static_cast<double>(desc.rows), in = static_cast<double>(desc.in);
  double const columns = static_cast<double>(desc.columns);
  double const elements = rows * in + columns * in + rows * columns + (bias ? columns : 0);
  return {2 * rows * in * columns, static_cast<double>(size_of(desc.dtype)) * elements};
}

void check_linear(LinearDesc const& desc, LinearArgs const& args) {
  check(is_float(desc.dtype), ErrorCode::kDType, "x is ", name_of(desc.dtype),
        ", expected float32, float16 or bfloat16");
  check(desc.precision <= Precision::kBFloat16, ErrorCode::kArgumentValue,
        "linear: unknown precision ", static_cast<int>(desc.precision));
  check(desc.precision == Precision::kStorage || desc.dtype == DType::f32, ErrorCode::kOption,
        "linear: precision 'bfloat16' is for float32 tensors, these are ", name_of(desc.dtype));
  Operands const operands(args.x.device());
  operands.expect("x", args.x, desc.dtype, with_last(args.x.sizes, desc.in));
  operands.expect("w", args.w, desc.dtype, {desc.columns, desc.in});
  operands.expect_optional("bias", args.bias, desc.dtype, {desc.columns});
  operands.expect("out", args.out, desc.dtype, with_last(args.x.sizes, desc.columns));
  check_last_axis("x", args.x);
  check_last_axis("w", args.w);
  if (args.bias.defined()) check_last_axis("bias", args.bias);
  check_last_axis("out", args.out);
  check_distinct("out", args.out);
  check_apart("out", args.out, "x", args.x);
  check_apart("out", args.out, "w", args.w);
  check_apart("out", args.out, "bias", args.bias);
}

}  // namespace fattn
