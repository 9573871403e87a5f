#pragma once

#include <vector>

#include "core/tensor_view.h"

namespace fattn {

/// States over disjoint key sets (attention-variants 1.4): O = sum_p softmax_p(w_p) O_p with w_p =
/// lse_p, or the caller's `weight`. The merged lse is logsumexp_p(w_p), sink included.
struct MergePart {
  TensorView out;     // [b, s, h, d] (packed [t, h, d]), dtype of the result
  TensorView lse;     // f32 [b, h, s] (packed [h, t]); undefined when weight is given
  TensorView weight;  // f32, broadcast to lse's shape; undefined = lse
};

struct MergeArgs {
  std::vector<MergePart> parts;
  TensorView sinks;  // f32 [h]: a part with zero output
  TensorView gate;   // f32, broadcast to lse's shape
  TensorView out;    // may not overlap a part
  TensorView lse;    // f32, optional
};

void check_merge_attention(MergeArgs& args);

}  // namespace fattn
