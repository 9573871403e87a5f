#include "backends/gpu/append_scores_job.h"

#include "backends/gpu/elementwise.h"
#include "backends/gpu/index_job.h"
#include "backends/gpu/kernel_row.h"
#include "kernels/dynamic_mask/append.h"

namespace fattn::gpu {
namespace {

constexpr char kName[] = "DmaState.append";
constexpr int64_t kMostScores = int64_t{1} << 30;  // of a list: 32-bit numbers in the kernel

/// How many tokens there were, by list.
TensorView counts_of(TensorView const& tokens) {
  TensorView counts = tokens;
  counts.sizes = {tokens.sizes[0] * tokens.sizes[1]};
  counts.strides = {tokens.sizes[2]};
  return counts;
}

}  // namespace

std::shared_ptr<PendingReport> launch_append_scores(DeviceJob& job, AppendScoresArgs const& args) {
  TensorView const &kept = args.kept.scores, &given = args.scores;
  check(kept.sizes[2] + given.sizes[2] < kMostScores, ErrorCode::kUnsupported, kName, " on ",
        name_of(job.stream().device()), " does not serve 2^30 scores or more at a time");
  AppendScoresParams p{};
  p.tokens = args.kept.tokens.data<int32_t>();
  p.kept = kept.data<float>();
  p.scores = {given.data<float>(), given.strides[0], given.strides[1], given.strides[2]};
  p.heads = static_cast<int32_t>(kept.sizes[1]);
  p.keep = static_cast<int32_t>(kept.sizes[2]);
  p.added = static_cast<int32_t>(given.sizes[2]);
  auto report = launch_index_check(job, IndexTensor::kKeptTokens, counts_of(args.kept.tokens),
                                   p.added, p.counts, kName);
  if (report == nullptr) return nullptr;
  job.launch(kernel_row("append_scores").instance().kernel,
             grid_for(kName, kept.sizes[0] * kept.sizes[1], 1), p);
  return report;
}

}  // namespace fattn::gpu
