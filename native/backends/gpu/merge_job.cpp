#include "backends/gpu/merge_job.h"

#include <algorithm>
#include <vector>

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/token_tensors.h"
#include "kernels/elementwise/merge.h"

namespace fattn::gpu {
namespace {

std::vector<MergePartRows> part_rows(MergeArgs const& args) {
  std::vector<MergePartRows> parts;
  for (MergePart const& part : args.parts)
    parts.push_back(
        {tensor_rows(part.out), tensor_row_values(part.weight.defined() ? part.weight : part.lse)});
  return parts;
}

/// The first parts go along with the launch, the others through device memory.
void place_parts(DeviceJob& job, MergeParams& p, std::vector<MergePartRows> const& parts) {
  size_t const inline_parts = std::min<size_t>(parts.size(), MergeParams::kInlineParts);
  std::copy_n(parts.begin(), inline_parts, p.first_parts);
  p.parts = static_cast<int32_t>(parts.size());
  int64_t const further = static_cast<int64_t>((parts.size() - inline_parts) * sizeof(parts[0]));
  p.further_parts =
      static_cast<MergePartRows const*>(job.upload(parts.data() + inline_parts, further));
}

}  // namespace

void launch_merge_attention(DeviceJob& job, MergeArgs const& args) {
  if (args.out.elements() == 0) return;
  TokenSizes const sizes(args.out);
  MergeParams p{};
  place_parts(job, p, part_rows(args));
  p.out = tensor_rows(args.out);
  p.lse = tensor_row_values(args.lse);
  p.gate = tensor_row_values(args.gate);
  if (args.sinks.defined()) {
    p.sinks = args.sinks.data<float>();
    p.sink_stride = args.sinks.strides[0];
  }
  p.batch = sizes.batch;
  p.tokens = sizes.tokens;
  p.heads = static_cast<int32_t>(sizes.heads);
  p.dim = static_cast<int32_t>(sizes.dim);
  job.launch(kernel_row("merge", args.out.dtype).instance().kernel,
             grid_for("mergeAttention", sizes.batch * sizes.tokens * sizes.heads,
                      MergeAttention<float>::kRows),
             p);
}

}  // namespace fattn::gpu
