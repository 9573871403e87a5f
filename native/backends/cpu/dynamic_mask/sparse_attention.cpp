#include "backends/cpu/dynamic_mask/sparse_attention.h"

#include <algorithm>
#include <vector>

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/attention/plan.h"
#include "core/error.h"

namespace fattn::cpu {
namespace {

/// A copy of the lists, which another stream may write meanwhile: what is used must be what was
/// checked. Its length is how many keys a list holds, in place of how many there were.
std::vector<int32_t> checked_lists(TensorView const& tokens, int64_t keys) {
  int32_t const* const from = tokens.data<int32_t>();
  std::vector<int32_t> lists(from, from + tokens.elements());
  int64_t const size = tokens.sizes[2];
  for (size_t at = 0; at < lists.size(); at += static_cast<size_t>(size)) {
    int32_t* const list = lists.data() + at;
    check(list[0] >= 0, ErrorCode::kIndex, "the state counts ", list[0], " tokens");
    list[0] = static_cast<int32_t>(std::min<int64_t>(list[0], size - 1));
    for (int32_t i = 1; i <= list[0]; ++i)
      check(list[i] >= 0 && list[i] < keys, ErrorCode::kIndex, "the state keeps token ", list[i],
            " of ", keys, " keys");
  }
  return lists;
}

void attend_kept(JobContext& job, AttentionDesc const& desc, SparseAttentionArgs const& args,
                 KernelTable const& kernels) {
  KeptKeys const& kept = args.kept;
  std::vector<int32_t> const lists = checked_lists(kept.tokens, desc.seq_kv);
  SparseKeys keys;
  keys.form = SparseKeys::Form::kList;
  keys.rows = lists.data();
  keys.batch = kept.tokens.strides[0];
  keys.head = kept.tokens.strides[1];
  keys.scores = kept.scores.data<float>();
  keys.scores_batch = kept.scores.strides[0];
  keys.scores_head = kept.scores.strides[1];
  keys.scores_key = 1;
  keys.heads = kept.scores.sizes[1];
  run_attention(job, desc, args.dense, kernels, &keys);
}

}  // namespace

void run_sparse_attention(JobContext& job, AttentionDesc const& desc,
                          SparseAttentionArgs const& args, KernelTable const& kernels) {
  if (args.kept.tokens.defined()) return attend_kept(job, desc, args, kernels);
  TensorView const &rows = args.intervals, &scores = args.scores;
  int const axis = scores.rank() - 2;  // of the score heads, in both
  SparseKeys keys;
  keys.rows = rows.data<int32_t>();
  keys.end = rows.strides[axis + 1];
  keys.head = rows.strides[axis];
  keys.scores = scores.data<float>();
  keys.scores_head = scores.strides[axis];
  keys.scores_key = scores.strides[axis + 1];
  if (!desc.packed) {
    keys.batch = rows.strides[0];
    keys.scores_batch = scores.strides[0];
  }
  keys.heads = scores.sizes[axis];
  run_attention(job, desc, args.dense, kernels, &keys);
}

}  // namespace fattn::cpu
