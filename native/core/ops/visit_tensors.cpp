#include "core/ops/visit_tensors.h"

#include <initializer_list>

namespace fattn {
namespace {

void visit_defined(std::initializer_list<TensorView const*> views, TensorVisitor visit) {
  for (TensorView const* view : views)
    if (view->defined()) visit(*view);
}

}  // namespace

void visit_inputs(AttentionArgs const& a, TensorVisitor visit) {
  visit_defined({&a.q,
                 &a.k,
                 &a.v,
                 &a.bias,
                 &a.mask,
                 &a.sinks,
                 &a.alibi_slopes,
                 &a.temperature,
                 &a.gate,
                 &a.segments_q,
                 &a.segments_k,
                 &a.prefix_lengths,
                 &a.kv_lengths,
                 &a.cu_seq_lens_q,
                 &a.cu_seq_lens_k,
                 &a.window_left,
                 &a.window_right,
                 &a.sink_tokens,
                 &a.head_map_k,
                 &a.head_map_v},
                visit);
}

void visit_outputs(AttentionArgs const& a, TensorVisitor visit) {
  visit_defined({&a.out, &a.lse}, visit);
}

void visit_inputs(MergeArgs const& a, TensorVisitor visit) {
  for (MergePart const& part : a.parts) visit_defined({&part.out, &part.lse, &part.weight}, visit);
  visit_defined({&a.sinks, &a.gate}, visit);
}

void visit_outputs(MergeArgs const& a, TensorVisitor visit) {
  visit_defined({&a.out, &a.lse}, visit);
}

void visit_inputs(RopeArgs const& a, TensorVisitor visit) {
  visit_defined({&a.x, &a.positions}, visit);
}

void visit_outputs(RopeArgs const& a, TensorVisitor visit) { visit_defined({&a.out}, visit); }

}  // namespace fattn
