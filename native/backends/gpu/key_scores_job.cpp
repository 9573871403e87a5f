#include "backends/gpu/key_scores_job.h"

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/token_tensors.h"
#include "kernels/dynamic_mask/scores.h"

namespace fattn::gpu {
namespace {

using Kernel = ScoreKeys<float>;  // tiles are the same for every element type

constexpr char kName[] = "dynamicMaskScores";
constexpr int64_t kMostElements = int64_t{1} << 30;  // of a token: 32-bit numbers in the kernel

}  // namespace

void launch_key_scores(DeviceJob& job, KeyScoreForm form, KeyScoresArgs const& args) {
  if (args.scores.elements() == 0) return;
  TokenSizes const sizes(args.v);
  int64_t const heads = args.a.sizes[0], width = sizes.heads * sizes.dim;
  check(width < kMostElements && heads < kMostElements, ErrorCode::kUnsupported, kName, " on ",
        name_of(job.stream().device()), " does not serve tokens of 2^30 elements or more");
  KeyScoreParams p{};
  p.v = tensor_rows(args.v);
  p.wdt = {args.wdt.bytes(), args.wdt.dtype == DType::f32, args.wdt.strides[0],
           args.wdt.strides[1]};
  p.a = {args.a.bytes(), args.a.dtype == DType::f32, 0, args.a.strides[0]};
  p.scores = tensor_row_values(args.scores);
  p.batch = sizes.batch;
  p.tokens = sizes.tokens;
  p.dim = static_cast<int32_t>(sizes.dim);
  p.width = static_cast<int32_t>(width);
  p.heads = static_cast<int32_t>(heads);
  p.exponential = form == KeyScoreForm::kExp;
  int64_t const tiles =
      (sizes.batch * sizes.tokens + Kernel::kTileTokens - 1) / Kernel::kTileTokens;
  int64_t const groups = (heads + Kernel::kTileHeads - 1) / Kernel::kTileHeads;
  job.launch(kernel_row("key_scores", args.v.dtype).instance().kernel,
             grid_for(kName, checked_multiply(tiles, groups), 1), p);
}

}  // namespace fattn::gpu
