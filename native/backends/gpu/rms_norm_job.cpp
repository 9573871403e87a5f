#include "backends/gpu/rms_norm_job.h"

#include "backends/gpu/elementwise.h"
#include "backends/gpu/kernel_row.h"
#include "core/ops/merged_rows.h"
#include "kernels/elementwise/rms_norm.h"

namespace fattn::gpu {

void launch_rms_norm(DeviceJob& job, float epsilon, RmsNormArgs const& args) {
  if (args.x.elements() == 0) return;
  int64_t const width = args.x.sizes[args.x.rank() - 1];
  check(width <= INT32_MAX, ErrorCode::kUnsupported, "rmsNorm on ", name_of(args.x.device()),
        " does not serve rows of 2^31 elements or more");
  RmsNormParams p{};
  p.x = merged_rows<MatrixRows>(args.x);
  p.out = merged_rows<MatrixRows>(args.out);
  p.weight = args.weight.defined() ? args.weight.bytes() : nullptr;
  p.wide_weight = args.weight.defined() && args.weight.dtype == DType::f32;
  p.rows = args.x.elements() / width;
  p.width = static_cast<int32_t>(width);
  p.epsilon = epsilon;
  job.launch(kernel_row("rms_norm", args.x.dtype).instance().kernel,
             grid_for("rmsNorm", p.rows, RmsNorm<float>::kRows), p);
}

}  // namespace fattn::gpu
