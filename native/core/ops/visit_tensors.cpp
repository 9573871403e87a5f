#include "core/ops/visit_tensors.h"

#include <initializer_list>

#include "core/ops/attention_extras.h"

namespace fattn {
namespace {

void visit_defined(std::initializer_list<TensorView const*> views, TensorVisitor visit) {
  for (TensorView const* view : views)
    if (view->defined()) visit(*view);
}

}  // namespace

void visit_inputs(AttentionArgs const& a, TensorVisitor visit) {
  visit_defined({&a.q, &a.k, &a.v}, visit);
  for (OptionalTensor const& tensor : kOptionalTensors)
    if (tensor.view != &AttentionArgs::lse) visit_defined({&(a.*tensor.view)}, visit);
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

void visit_inputs(LinearArgs const& a, TensorVisitor visit) {
  visit_defined({&a.x, &a.w, &a.bias}, visit);
}

void visit_outputs(LinearArgs const& a, TensorVisitor visit) { visit_defined({&a.out}, visit); }

void visit_inputs(RopeArgs const& a, TensorVisitor visit) {
  visit_defined({&a.x, &a.positions}, visit);
}

void visit_outputs(RopeArgs const& a, TensorVisitor visit) { visit_defined({&a.out}, visit); }

void visit_inputs(RmsNormArgs const& a, TensorVisitor visit) {
  visit_defined({&a.x, &a.weight}, visit);
}

void visit_outputs(RmsNormArgs const& a, TensorVisitor visit) { visit_defined({&a.out}, visit); }

void visit_inputs(CompressedConvArgs const& a, TensorVisitor visit) {
  visit_defined(
      {&a.latent, &a.value, &a.delayed, &a.w1, &a.b1, &a.w2, &a.b2, &a.temperature, &a.delayed_bias,
       &a.positions, &a.cu_seq_lens, &a.lengths, &a.history, &a.delayed_history},
      visit);
}

void visit_outputs(CompressedConvArgs const& a, TensorVisitor visit) {
  visit_defined({&a.q, &a.k, &a.v, &a.in_use, &a.next_history, &a.next_delayed}, visit);
}

void visit_inputs(KeyScoresArgs const& a, TensorVisitor visit) {
  visit_defined({&a.v, &a.wdt, &a.a}, visit);
}

void visit_outputs(KeyScoresArgs const& a, TensorVisitor visit) {
  visit_defined({&a.scores}, visit);
}

void visit_inputs(KeyIntervalsArgs const& a, TensorVisitor visit) {
  visit_defined({&a.scores, &a.kv_lengths, &a.cu_seq_lens_q, &a.cu_seq_lens_k}, visit);
}

void visit_outputs(KeyIntervalsArgs const& a, TensorVisitor visit) {
  visit_defined({&a.intervals}, visit);
}

void visit_inputs(AppendScoresArgs const& a, TensorVisitor visit) {
  visit_defined({&a.scores, &a.kept.tokens, &a.kept.scores}, visit);
}

void visit_outputs(AppendScoresArgs const& a, TensorVisitor visit) {
  visit_defined({&a.kept.tokens, &a.kept.scores}, visit);
}

void visit_inputs(SparseAttentionArgs const& a, TensorVisitor visit) {
  visit_inputs(a.dense, visit);
  visit_defined({&a.scores, &a.intervals, &a.kept.tokens, &a.kept.scores}, visit);
}

void visit_outputs(SparseAttentionArgs const& a, TensorVisitor visit) {
  visit_outputs(a.dense, visit);
}

void visit_inputs(BlockSparseArgs const& a, TensorVisitor visit) {
  visit_inputs(a.dense, visit);
  visit_defined({&a.partial.offsets, &a.partial.indices, &a.full.offsets, &a.full.indices}, visit);
}

void visit_outputs(BlockSparseArgs const& a, TensorVisitor visit) { visit_outputs(a.dense, visit); }

}  // namespace fattn
