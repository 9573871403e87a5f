#include "core/ops/rms_norm.h"

#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/ops/operands.h"

namespace fattn {

void check_rms_norm(float epsilon, RmsNormArgs const& args) {
  check(args.x.defined(), ErrorCode::kDisposed, "x has no storage");
  check(is_float(args.x.dtype), ErrorCode::kDType, "x is ", name_of(args.x.dtype),
        ", expected float32, float16 or bfloat16");
  int const rank = args.x.rank();
  check(rank >= 1, ErrorCode::kShape, "x is ", args.x.sizes, ", expected [..., n]");
  check(std::isfinite(epsilon) && epsilon >= std::numeric_limits<float>::min(),
        ErrorCode::kArgumentValue, "rmsNorm: epsilon is ", epsilon,
        ", expected a finite number >= 1.2e-38");
  Operands const operands(args.x.device());
  operands.expect_inside("x", args.x);
  DType const weights = args.weight.dtype == DType::f32 ? DType::f32 : args.x.dtype;
  operands.expect_optional("weight", args.weight, weights, {args.x.sizes[rank - 1]});
  operands.expect("out", args.out, args.x.dtype, args.x.sizes);
  check_last_axis("x", args.x);
  if (args.weight.defined()) check_last_axis("weight", args.weight);
  check_last_axis("out", args.out);
  check_distinct("out", args.out);
  check_in_place_or_disjoint("out", args.out, "x", args.x);
  check_apart("out", args.out, "weight", args.weight);
}

}  // namespace fattn
