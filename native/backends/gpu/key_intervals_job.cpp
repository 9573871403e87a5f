#include "backends/gpu/key_intervals_job.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "backends/gpu/elementwise.h"
#include "backends/gpu/index_job.h"
#include "backends/gpu/kernel_row.h"
#include "kernels/dynamic_mask/select.h"
#include "kernels/dynamic_mask/smooth.h"
#include "kernels/dynamic_mask/sort.h"

namespace fattn::gpu {
namespace {

constexpr char kName[] = "dynamicMaskIntervals";

static_assert(static_cast<int>(KeySelection::kShared) ==
              static_cast<int>(KeySelectionRule::kShared));
static_assert(static_cast<int>(KeySelection::kRelu) == static_cast<int>(KeySelectionRule::kRelu));

int32_t blocks_for(int64_t items, int64_t per_block) {
  return static_cast<int32_t>((items + per_block - 1) / per_block);
}

Grid grid_of(int64_t lists, int64_t list_blocks) {
  return grid_for(kName, checked_multiply(lists, list_blocks), 1);
}

SelectionParams describe(KeyIntervalsDesc const& desc, KeyIntervalsArgs const& args) {
  TensorView const &scores = args.scores, &intervals = args.intervals;
  int const axis = scores.rank() - 2;  // of the heads, in both
  SelectionParams p{};
  p.scores = {scores.data<float>(), 0, scores.strides[axis], scores.strides[axis + 1]};
  p.intervals = {intervals.data<int32_t>(), 0, intervals.strides[axis], intervals.strides[axis + 1],
                 intervals.strides[axis + 2]};
  if (axis == 1) {
    p.scores.batch = scores.strides[0];
    p.intervals.batch = intervals.strides[0];
  }
  p.heads = static_cast<int32_t>(scores.sizes[axis]);
  p.seq_q = static_cast<int32_t>(desc.seq_q);
  p.seq_kv = static_cast<int32_t>(scores.sizes[axis + 1]);
  p.keep = static_cast<int32_t>(std::min<int64_t>(desc.keep, p.seq_kv));
  p.rule = static_cast<KeySelectionRule>(desc.selection);
  p.causal = desc.causal;
  p.smoothed = desc.block_size > 0;
  p.block_keys = static_cast<int32_t>(std::min<int64_t>(desc.block_size, p.seq_kv));
  return p;
}

/// Has the index tensors checked, and the kernels look at copies.
std::shared_ptr<PendingReport> launch_check(DeviceJob& job, SelectionParams& p,
                                            KeyIntervalsArgs const& args) {
  AttentionDesc desc;
  desc.seq_q = p.seq_q;
  desc.seq_kv = p.seq_kv;
  AttentionArgs tensors;
  tensors.kv_lengths = args.kv_lengths;
  tensors.cu_seq_lens_q = args.cu_seq_lens_q;
  tensors.cu_seq_lens_k = args.cu_seq_lens_k;
  Indices indices{};
  auto report = launch_prepare(job, desc, tensors, indices, kName);
  p.kv_lengths = indices.kv_lengths;
  p.starts_q = indices.starts_q;
  p.starts_k = indices.starts_k;
  if (args.cu_seq_lens_k.defined())
    p.sequences = static_cast<int32_t>(args.cu_seq_lens_k.sizes[0] - 1);
  return report;
}

KeyRanking launch_ranking(DeviceJob& job, SelectionParams const& p, int64_t lists) {
  KeyRanking ranking{};
  ranking.keys = p.seq_kv;
  ranking.levels = std::bit_width(static_cast<uint32_t>(p.seq_kv - 1));
  ranking.level_words = blocks_for(p.seq_kv, simt::kWarpSize);
  ranking.words =
      job.scratch_of<MergeWord>(checked_multiply(lists * ranking.levels, ranking.level_words));
  int64_t const places = checked_multiply(lists, p.seq_kv);
  ranking.order = job.scratch_of<RankedKey>(places);
  int32_t const chunks = blocks_for(p.seq_kv, SortKeys::kChunk);
  job.launch(kernel_row("sort_keys").instance().kernel, grid_of(lists, chunks),
             SortKeysParams{p.scores, ranking, p.heads, chunks});
  if (ranking.levels <= SortKeys::kLevels) return ranking;

  RankedKey* from = ranking.order;
  ranking.order = job.scratch_of<RankedKey>(places);
  int32_t const blocks = blocks_for(p.seq_kv, MergeKeys::kThreads);
  for (int32_t level = SortKeys::kLevels + 1;; ++level) {
    job.launch(kernel_row("merge_keys").instance().kernel, grid_of(lists, blocks),
               MergeKeysParams{from, ranking, level, blocks});
    if (level == ranking.levels) return ranking;
    std::swap(from, ranking.order);
  }
}

/// More than there are, in a packed call: see SmoothSelection.
int64_t most_blocks(SelectionParams const& p) {
  if (p.starts_k) return p.seq_kv / p.block_keys + int64_t{p.sequences};
  return blocks_for(p.seq_kv, p.block_keys);
}

}  // namespace

std::shared_ptr<PendingReport> launch_key_intervals(DeviceJob& job, KeyIntervalsDesc const& desc,
                                                    KeyIntervalsArgs const& args) {
  SelectionParams p = describe(desc, args);
  auto report = launch_check(job, p, args);
  if (args.intervals.elements() == 0) return report;
  int64_t const lists = args.scores.elements() / p.seq_kv;
  bool const pushes_out = p.rule != KeySelectionRule::kRelu && p.keep < p.seq_kv;
  if (pushes_out) p.ranking = launch_ranking(job, p, lists);
  p.list_blocks = blocks_for(p.seq_kv, SelectKeys::kThreads);
  job.launch(kernel_row("select_keys").instance().kernel, grid_of(lists, p.list_blocks), p);
  if (!p.smoothed) return report;
  p.list_blocks = blocks_for(most_blocks(p), SmoothSelection::kWarps);
  if (p.list_blocks > 0)
    job.launch(kernel_row("smooth_selection").instance().kernel, grid_of(lists, p.list_blocks), p);
  return report;
}

}  // namespace fattn::gpu
