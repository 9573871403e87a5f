#include "backends/cpu/attention/planner.h"

#include <algorithm>

#include "backends/cpu/attention/heads.h"
#include "backends/cpu/attention/tasks.h"
#include "core/error.h"

namespace fattn::cpu {
namespace {

/// Axes of q, k, v, out: [b, s, h, d], or [tokens, h, d] when packed.
Operand operand(TensorView const& t, bool packed) {
  int const first = packed ? 0 : 1;
  return {t.bytes(), t.dtype, t.strides[first], t.strides[first + 1]};
}

int64_t batch_stride(TensorView const& t, bool packed) { return packed ? 0 : t.strides[0]; }

/// Axes [b, hO, sQ, sKv] (bias, mask), or lse's [b, hO, sQ] and packed [hO, tQ].
ScoreOperand score_operand(TensorView const& t, bool packed) {
  ScoreOperand s;
  if (!t.defined()) return s;
  s.data = t.bytes();
  s.dtype = t.dtype;
  int const first = packed ? 0 : 1;
  s.batch = packed ? 0 : t.strides[0];
  s.head = t.strides[first];
  s.row = t.strides[first + 1];
  if (t.rank() == 4) s.key = t.strides[3];
  return s;
}

int32_t index_at(TensorView const& t, int64_t i) { return t.data<int32_t>()[i * t.strides[0]]; }

class Planner {
 public:
  Planner(PlannedAttention& planned, AttentionDesc const& desc, AttentionArgs const& args,
          bool bf16_dot)
      : p_(planned), plan_(planned.plan), desc_(desc), args_(args), bf16_dot_(bf16_dot) {}

  void run() {
    describe_operands();
    describe_heads();
    describe_sequences();
  }

 private:
  void describe_operands() {
    bool const packed = desc_.packed;
    plan_.q = operand(args_.q, packed);
    plan_.k = operand(args_.k, packed);
    plan_.v = operand(args_.v, packed);
    plan_.out = operand(args_.out, packed);
    ScoreOperand const lse = score_operand(args_.lse, packed);
    plan_.lse = args_.lse.defined() ? args_.lse.data<float>() : nullptr;
    plan_.lse_head = lse.head;
    plan_.lse_row = lse.row;
    plan_.bias = score_operand(args_.bias, packed);
    plan_.mask = score_operand(args_.mask, packed);
    plan_.temperature = score_operand(args_.temperature, packed);
    plan_.gate = score_operand(args_.gate, packed);
    if (args_.sinks.defined()) {
      plan_.sinks = args_.sinks.data<float>();
      plan_.sink_stride = args_.sinks.strides[0];
    }
    if (args_.alibi_slopes.defined()) {
      bool const per_batch = args_.alibi_slopes.rank() == 2;
      plan_.slopes = args_.alibi_slopes.data<float>();
      plan_.slope_batch = per_batch ? args_.alibi_slopes.strides[0] : 0;
      plan_.slope_head = args_.alibi_slopes.strides[per_batch ? 1 : 0];
    }
    plan_.head_dim = static_cast<int32_t>(desc_.head_dim);
    plan_.head_dim_v = static_cast<int32_t>(desc_.head_dim_v);
    plan_.scale = static_cast<float>(desc_.scale);
    plan_.softcap = static_cast<float>(desc_.softcap);
    plan_.has_segments = args_.segments_q.defined();
    plan_.bf16_dot =
        bf16_dot_ && (desc_.dtype == DType::bf16 || desc_.precision == Precision::kBFloat16);
    plan_.plain_scores = plan_.scale > 0 && plan_.softcap == 0 && !args_.bias.defined() &&
                         !args_.mask.defined() && !args_.temperature.defined() && !plan_.slopes &&
                         !plan_.has_segments;
  }

  void describe_heads() {
    Heads heads = plan_heads(desc_, args_);
    p_.q_heads = std::move(heads.q_heads);
    p_.head_masks = std::move(heads.masks);
    p_.group_heads = std::move(heads.group_heads);
    p_.groups = std::move(heads.groups);
    if (plan_.sparse) split_groups(plan_.sparse->heads);
    plan_.q_heads = p_.q_heads.data();
    plan_.head_masks = p_.head_masks.data();
    plan_.group_heads = p_.group_heads.data();
    plan_.groups = p_.groups.data();
    plan_.group_count = static_cast<int32_t>(p_.groups.size());
    for (HeadGroup const& group : p_.groups)
      p_.largest_group = std::max(p_.largest_group, group.count);
  }

  /// Heads share gathered keys only where they share the scores that chose them.
  void split_groups(int64_t score_heads) {
    std::vector<HeadGroup> groups;
    for (HeadGroup const& group : p_.groups) {
      for (int32_t i = group.first; i < group.first + group.count; ++i) {
        auto const head = static_cast<int32_t>(p_.group_heads[i] * score_heads / desc_.heads_out);
        if (i == group.first || groups.back().score_head != head)
          groups.push_back({group.k_head, group.v_head, i, 0, head});
        ++groups.back().count;
      }
    }
    p_.groups = std::move(groups);
  }

  void describe_sequences() {
    std::vector<int32_t> starts_q, starts_k;
    p_.sequences.resize(desc_.batch);
    if (desc_.packed) {
      starts_q = read_cu_seq_lens("cuSeqLensQ", args_.cu_seq_lens_q, desc_.batch, desc_.seq_q);
      starts_k = read_cu_seq_lens("cuSeqLensK", args_.cu_seq_lens_k, desc_.batch, desc_.seq_kv);
      // Queries after the last sequence see no key: a sequence of their own says so.
      if (starts_q.back() < desc_.seq_q) {
        starts_q.push_back(static_cast<int32_t>(desc_.seq_q));
        starts_k.push_back(starts_k.back());
        p_.sequences.emplace_back();
        if (desc_.batch == 0) plan_.slopes = nullptr;  // a tensor without elements
      }
    }
    int64_t slots = 0;
    for (int64_t b = 0; b < static_cast<int64_t>(p_.sequences.size()); ++b) {
      Sequence& s = p_.sequences[b];
      s.seq_q = static_cast<int32_t>(desc_.packed ? starts_q[b + 1] - starts_q[b] : desc_.seq_q);
      s.seq_kv = static_cast<int32_t>(desc_.packed ? starts_k[b + 1] - starts_k[b] : desc_.seq_kv);
      read_lengths(s, b);
      place(s, b, desc_.packed ? starts_q[b] : 0, desc_.packed ? starts_k[b] : 0);
      s.chunks = plan_.sparse ? 1 : chunks_of(s, p_.largest_group);
      s.partial = slots;
      if (s.chunks > 1) slots += desc_.heads_out * int64_t{s.seq_q} * s.chunks;
    }
    plan_.sequences = p_.sequences.data();
    p_.partial_floats = slots * (desc_.head_dim_v + 2);
    p_.partials.reset(new float[p_.partial_floats]);  // every slot is written before it is read
    plan_.partial_out = p_.partials.get();
    plan_.partial_max = plan_.partial_out + slots * desc_.head_dim_v;
    plan_.partial_sum = plan_.partial_max + slots;
  }

  void read_lengths(Sequence& s, int64_t b) {
    if (args_.kv_lengths.defined()) s.seq_kv = read_kv_length(args_.kv_lengths, b, desc_.seq_kv);
    if (args_.prefix_lengths.defined() && b < desc_.batch) {
      s.prefix = index_at(args_.prefix_lengths, b);
      check(s.prefix >= 0, ErrorCode::kIndex, "prefixLengths[", b, "] is ", s.prefix,
            ", expected at least 0");
    }
  }

  /// Where sequence `b` starts in each operand, given its first tokens in packed ones.
  void place(Sequence& s, int64_t b, int64_t first_q, int64_t first_k) {
    auto start = [&](TensorView const& t, Operand const& o, int64_t first) {
      return b * batch_stride(t, desc_.packed) + first * o.row;
    };
    s.q = start(args_.q, plan_.q, first_q);
    s.k = start(args_.k, plan_.k, first_k);
    s.v = start(args_.v, plan_.v, first_k);
    s.out = start(args_.out, plan_.out, first_q);
    int64_t const lse_batch = args_.lse.defined() ? batch_stride(args_.lse, desc_.packed) : 0;
    s.lse = b * lse_batch + first_q * plan_.lse_row;
    s.temperature = b * plan_.temperature.batch + first_q * plan_.temperature.row;
    s.gate = b * plan_.gate.batch + first_q * plan_.gate.row;
    s.first_key = desc_.packed ? first_k : 0;
    s.batch = std::min(b, std::max<int64_t>(0, desc_.batch - 1));  // of slopes, bias and mask
    if (plan_.has_segments) describe_segments(s, b, first_q, first_k);
  }

  void describe_segments(Sequence& s, int64_t b, int64_t first_q, int64_t first_k) {
    int const axis = desc_.packed ? 0 : 1;
    TensorView const &q = args_.segments_q, &k = args_.segments_k;
    s.segment_stride_q = q.strides[axis];
    s.segment_stride_k = k.strides[axis];
    s.segments_q =
        q.data<int32_t>() + b * batch_stride(q, desc_.packed) + first_q * q.strides[axis];
    s.segments_k =
        k.data<int32_t>() + b * batch_stride(k, desc_.packed) + first_k * k.strides[axis];
  }

  PlannedAttention& p_;
  AttentionPlan& plan_;
  AttentionDesc const& desc_;
  AttentionArgs const& args_;
  bool const bf16_dot_;
};

}  // namespace

std::vector<int32_t> read_cu_seq_lens(char const* name, TensorView const& t, int64_t batch,
                                      int64_t total) {
  std::vector<int32_t> starts(batch + 1);
  for (int64_t b = 0; b <= batch; ++b) {
    starts[b] = index_at(t, b);
    int32_t const least = b == 0 ? 0 : starts[b - 1];
    int64_t const most = b == 0 ? 0 : total;
    check(starts[b] >= least && starts[b] <= most, ErrorCode::kIndex, name, "[", b, "] is ",
          starts[b], ", expected ", least, " to ", most);
  }
  return starts;
}

int32_t read_kv_length(TensorView const& t, int64_t b, int64_t most) {
  int32_t const length = index_at(t, b);
  check(length >= 0 && length <= most, ErrorCode::kIndex, "kvLengths[", b, "] is ", length,
        ", expected 0 to ", most);
  return length;
}

void plan_attention(PlannedAttention& planned, AttentionDesc const& desc, AttentionArgs const& args,
                    bool bf16_dot, int threads, SparseKeys const* sparse) {
  planned.plan.sparse = sparse;
  Planner(planned, desc, args, bf16_dot).run();
  if (desc.heads_out > 0 && desc.head_dim_v > 0) cut_tasks(planned, desc, threads);
}

}  // namespace fattn::cpu
