#pragma once

#include "core/function_ref.h"
#include "core/ops/attention.h"
#include "core/ops/block_sparse.h"
#include "core/ops/compressed_conv.h"
#include "core/ops/dynamic_mask.h"
#include "core/ops/elementwise.h"
#include "core/ops/linear.h"
#include "core/ops/merge_attention.h"
#include "core/ops/rms_norm.h"
#include "core/ops/rope.h"
#include "core/tensor_view.h"

// Which tensors of each operation's arguments are read and which are written. Absent ones are
// skipped.

namespace fattn {

using TensorVisitor = FunctionRef<void(TensorView const&)>;

inline void visit_inputs(FillArgs const&, TensorVisitor) {}
inline void visit_outputs(FillArgs const& args, TensorVisitor visit) { visit(args.target); }

inline void visit_inputs(CopyArgs const& args, TensorVisitor visit) { visit(args.source); }
inline void visit_outputs(CopyArgs const& args, TensorVisitor visit) { visit(args.target); }

void visit_inputs(AttentionArgs const& args, TensorVisitor visit);
void visit_outputs(AttentionArgs const& args, TensorVisitor visit);

void visit_inputs(MergeArgs const& args, TensorVisitor visit);
void visit_outputs(MergeArgs const& args, TensorVisitor visit);

void visit_inputs(LinearArgs const& args, TensorVisitor visit);
void visit_outputs(LinearArgs const& args, TensorVisitor visit);

void visit_inputs(RopeArgs const& args, TensorVisitor visit);
void visit_outputs(RopeArgs const& args, TensorVisitor visit);

void visit_inputs(RmsNormArgs const& args, TensorVisitor visit);
void visit_outputs(RmsNormArgs const& args, TensorVisitor visit);

void visit_inputs(CompressedConvArgs const& args, TensorVisitor visit);
void visit_outputs(CompressedConvArgs const& args, TensorVisitor visit);
void visit_inputs(KeyScoresArgs const& args, TensorVisitor visit);
void visit_outputs(KeyScoresArgs const& args, TensorVisitor visit);

void visit_inputs(KeyIntervalsArgs const& args, TensorVisitor visit);
void visit_outputs(KeyIntervalsArgs const& args, TensorVisitor visit);

void visit_inputs(AppendScoresArgs const& args, TensorVisitor visit);
void visit_outputs(AppendScoresArgs const& args, TensorVisitor visit);

void visit_inputs(SparseAttentionArgs const& args, TensorVisitor visit);
void visit_outputs(SparseAttentionArgs const& args, TensorVisitor visit);

void visit_inputs(BlockSparseArgs const& args, TensorVisitor visit);
void visit_outputs(BlockSparseArgs const& args, TensorVisitor visit);

}  // namespace fattn
