#include <utility>

#include "binding/attention_tensors.h"
#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {

napi_value dynamic_mask_scores(Arguments const& args) {
  Submission const to = args.submission(6);
  KeyScoresArgs tensors;
  tensors.v = args.at(1, "v").tensor();
  tensors.wdt = args.at(2, "wdt").tensor();
  tensors.a = args.at(3, "a").tensor();
  tensors.scores = args.at(4, "scores").tensor();
  auto const form = args.at(5, "form").one_of(KeyScoreForm::kLinear);
  Backend& backend = backend_of(tensors.v.device());
  backend.key_scores(to, form, std::move(tensors));
  return nullptr;
}

napi_value dynamic_mask_intervals(Arguments const& args) {
  Submission const to = args.submission(11);
  KeyIntervalsArgs tensors;
  tensors.scores = args.at(1, "scores").tensor();
  tensors.kv_lengths = args.at(2, "kvLengths").optional_tensor();
  tensors.cu_seq_lens_q = args.at(3, "cuSeqLensQ").optional_tensor();
  tensors.cu_seq_lens_k = args.at(4, "cuSeqLensK").optional_tensor();
  tensors.intervals = args.at(5, "intervals").tensor();
  KeyIntervalsDesc desc;
  desc.selection = args.at(6, "selection").one_of(KeySelection::kRelu);
  desc.keep = args.at(7, "keep").integer();
  desc.block_size = args.at(8, "blockSize").integer();
  desc.causal = args.at(9, "causal").boolean();
  desc.seq_q = args.at(10, "sQ").integer();
  Backend& backend = backend_of(tensors.scores.device());
  backend.key_intervals(to, desc, std::move(tensors));
  return nullptr;
}

napi_value dynamic_mask_append(Arguments const& args) {
  Submission const to = args.submission(4);
  AppendScoresArgs tensors;
  tensors.kept.tokens = args.at(1, "tokens").tensor();
  tensors.kept.scores = args.at(2, "keptScores").tensor();
  tensors.scores = args.at(3, "scores").tensor();
  Backend& backend = backend_of(tensors.scores.device());
  backend.append_scores(to, std::move(tensors));
  return nullptr;
}

napi_value dynamic_mask_attention(Arguments const& args) {
  Submission const to = args.submission(16);
  SparseAttentionArgs tensors;
  AttentionArgs& dense = tensors.dense;
  dense = read_attention_tensors(args);
  dense.kv_lengths = args.at(6, "kvLengths").optional_tensor();
  dense.cu_seq_lens_q = args.at(7, "cuSeqLensQ").optional_tensor();
  dense.cu_seq_lens_k = args.at(8, "cuSeqLensK").optional_tensor();
  tensors.scores = args.at(9, "scores").optional_tensor();
  tensors.intervals = args.at(10, "intervals").optional_tensor();
  tensors.kept.tokens = args.at(11, "keptTokens").optional_tensor();
  tensors.kept.scores = args.at(12, "keptScores").optional_tensor();
  AttentionDesc desc;
  desc.scale = args.at(13, "scale").number();
  desc.causal = args.at(14, "causal").boolean();
  tensors.keep = args.at(15, "keep").integer();
  describe_attention(dense, desc);
  Backend& backend = backend_of(dense.q.device());
  backend.sparse_attention(to, desc, std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
