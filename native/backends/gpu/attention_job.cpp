#include "backends/gpu/attention_job.h"

#include <algorithm>

#include "backends/gpu/attention_choice.h"
#include "backends/gpu/elementwise.h"
#include "backends/gpu/index_job.h"
#include "kernels/attention/combine.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kRowAlignment = 16;  // bytes, of what mma16 copies at a time

/// Axes [b, s, h, d], or packed [t, h, d].
TokenRows token_rows(TensorView const& view, bool packed) {
  int const first = packed ? 0 : 1;
  return {view.bytes(), packed ? 0 : view.strides[0], view.strides[first], view.strides[first + 1],
          static_cast<int32_t>(view.sizes[first + 1])};
}

/// Axes [b, h, s], or packed [h, t].
RowValues row_values(TensorView const& view, bool packed) {
  if (!view.defined()) return {};
  int const first = packed ? 0 : 1;
  return {view.data<float>(), packed ? 0 : view.strides[0], view.strides[first],
          view.strides[first + 1]};
}

ScalarType scalar_type(DType dtype) {
  if (dtype == DType::f32) return ScalarType::kF32;
  if (dtype == DType::f16) return ScalarType::kF16;
  return dtype == DType::bf16 ? ScalarType::kBF16 : ScalarType::kU8;
}

ScoreValues score_values(TensorView const& view) {
  if (!view.defined()) return {};
  return {view.bytes(),    view.strides[0], view.strides[1],
          view.strides[2], view.strides[3], scalar_type(view.dtype)};
}

int32_t clamped(int64_t value) { return static_cast<int32_t>(std::min<int64_t>(value, INT32_MAX)); }

/// The rule of a tensor with fewer heads than the output: see core/ops/attention.h.
HeadRule head_rule(AttentionDesc const& desc) {
  bool const reversed = desc.heads_out > desc.heads_q;
  bool const tiled =
      desc.head_map == HeadMap::kTile || (desc.head_map == HeadMap::kDefault && reversed);
  return tiled ? HeadRule::kTile : HeadRule::kGrouped;
}

void describe_numbers(AttentionParams& p, AttentionDesc const& desc) {
  p.sequences = static_cast<int32_t>(desc.batch + (desc.packed ? 1 : 0));
  p.batch = static_cast<int32_t>(desc.batch);
  p.seq_q = static_cast<int32_t>(desc.seq_q);
  p.seq_kv = static_cast<int32_t>(desc.seq_kv);
  p.heads_out = static_cast<int32_t>(desc.heads_out);
  p.head_dim = static_cast<int32_t>(desc.head_dim);
  p.head_dim_v = static_cast<int32_t>(desc.head_dim_v);
  p.q_rule = p.k_rule = p.v_rule = head_rule(desc);
  p.scale = static_cast<float>(desc.scale);
  p.softcap = static_cast<float>(desc.softcap);
  p.causal = desc.causal ? 1 : 0;
  p.window_left = clamped(desc.window_left);
  p.window_right = clamped(desc.window_right);
  p.sink_tokens = clamped(desc.sink_tokens);
}

void describe_heads_and_segments(AttentionParams& p, AttentionArgs const& args, bool packed) {
  if (args.sinks.defined()) {
    p.sinks = args.sinks.data<float>();
    p.sink_stride = args.sinks.strides[0];
  }
  if (args.alibi_slopes.defined()) {
    bool const per_sequence = args.alibi_slopes.rank() == 2;
    p.slopes = args.alibi_slopes.data<float>();
    p.slope_batch = per_sequence ? args.alibi_slopes.strides[0] : 0;
    p.slope_head = args.alibi_slopes.strides[per_sequence ? 1 : 0];
  }
  if (!args.segments_q.defined()) return;
  int const axis = packed ? 0 : 1;
  p.segments_q = args.segments_q.data<int32_t>();
  p.segment_batch_q = packed ? 0 : args.segments_q.strides[0];
  p.segment_row_q = args.segments_q.strides[axis];
  p.segments_k = args.segments_k.data<int32_t>();
  p.segment_batch_k = packed ? 0 : args.segments_k.strides[0];
  p.segment_row_k = args.segments_k.strides[axis];
}

/// Whether every row of the view starts at a multiple of kRowAlignment.
bool rows_aligned(TensorView const& view) {
  int64_t const bytes = size_of(view.dtype);
  int64_t offsets = reinterpret_cast<intptr_t>(view.bytes()) % kRowAlignment;
  for (int axis = 0; axis + 1 < view.rank(); ++axis)
    if (view.sizes[axis] > 1) offsets |= view.strides[axis] * bytes % kRowAlignment;
  return offsets == 0;
}

}  // namespace

AttentionParams attention_params(AttentionDesc const& desc, AttentionArgs const& args) {
  AttentionParams p{};
  p.q = token_rows(args.q, desc.packed);
  p.k = token_rows(args.k, desc.packed);
  p.v = token_rows(args.v, desc.packed);
  p.out = token_rows(args.out, desc.packed);
  p.lse = row_values(args.lse, desc.packed);
  p.temperature = row_values(args.temperature, desc.packed);
  p.gate = row_values(args.gate, desc.packed);
  p.bias = score_values(args.bias);
  p.mask = score_values(args.mask);
  describe_heads_and_segments(p, args, desc.packed);
  describe_numbers(p, desc);
  return p;
}

bool rows_aligned(AttentionArgs const& args) {
  return rows_aligned(args.q) && rows_aligned(args.k) && rows_aligned(args.v) &&
         rows_aligned(args.out);
}

std::shared_ptr<PendingReport> launch_attention(DeviceJob& job, AttentionDesc const& desc,
                                                AttentionArgs const& args) {
  DeviceFacts const& facts = job.stream().gpu().facts();
  AttentionExtras const extras(args);
  AttentionChoice const choice = choose_attention(desc, extras, rows_aligned(args), facts);
  check(choice.row != nullptr, ErrorCode::kUnsupported, "attention on ",
        name_of(job.stream().device()), " does not serve this call: ", choice.reason);
  KernelInstance const instance = choice.row->instance();
  AttentionCut const cut = cut_attention(desc, extras, instance, facts);
  if (cut.blocks == 0) return nullptr;

  AttentionParams p = attention_params(desc, args);
  p.pack = cut.pack;
  p.row_tiles = cut.row_tiles;
  p.chunks = cut.chunks;
  p.chunk_keys = cut.chunk_keys;
  if (cut.chunks > 1) {
    p.partial_out = job.scratch_of<float>(cut.partial_rows * cut.chunks * desc.head_dim_v);
    p.partial_state = job.scratch_of<float>(cut.partial_rows * cut.chunks * 2);
  }
  auto report = launch_prepare(job, desc, args, p.indices, "attention");
  job.launch(instance.kernel, {static_cast<uint32_t>(cut.blocks)}, p);
  if (cut.chunks > 1)
    job.launch(kernel_row("combine", desc.dtype).instance().kernel,
               grid_for("attention", cut.partial_rows, CombineAttention<float>::kRows), p);
  return report;
}

}  // namespace fattn::gpu
