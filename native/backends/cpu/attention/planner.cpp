#include "backends/cpu/attention/planner.h"

#include <algorithm>

#include "backends/cpu/attention/heads.h"
#include "backends/cpu/attention/scratch.h"
#include "backends/cpu/kernel_table.h"
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

/// Starts of the token ranges of a packed batch, and the end of the last: from 0, nondecreasing, to
/// at most `total`. A copy: another stream may write the tensor meanwhile, and what is used must be
/// what was checked. For the same reason every other index is read exactly once.
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

class Planner {
 public:
  Planner(PlannedAttention& planned, AttentionDesc const& desc, AttentionArgs const& args,
          int threads)
      : p_(planned), plan_(planned.plan), desc_(desc), args_(args), threads_(threads) {}

  void run() {
    describe_operands();
    describe_heads();
    describe_sequences();
    if (desc_.heads_out == 0 || desc_.head_dim_v == 0) return;
    cut();
    lay_out();
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
    plan_.bf16_dot = active_kernels().bf16_dot &&
                     (desc_.dtype == DType::bf16 || desc_.precision == Precision::kBFloat16);
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
    plan_.q_heads = p_.q_heads.data();
    plan_.head_masks = p_.head_masks.data();
    plan_.group_heads = p_.group_heads.data();
    plan_.groups = p_.groups.data();
    plan_.group_count = static_cast<int32_t>(p_.groups.size());
    for (HeadGroup const& group : p_.groups) largest_group_ = std::max(largest_group_, group.count);
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
      s.batch = std::min(b, std::max<int64_t>(0, desc_.batch - 1));
      int64_t first_q = 0, first_k = 0;
      s.seq_q = static_cast<int32_t>(desc_.seq_q);
      s.seq_kv = static_cast<int32_t>(desc_.seq_kv);
      if (desc_.packed) {
        first_q = starts_q[b];
        first_k = starts_k[b];
        s.seq_q = starts_q[b + 1] - starts_q[b];
        s.seq_kv = starts_k[b + 1] - starts_k[b];
      }
      if (args_.kv_lengths.defined()) {
        s.seq_kv = index_at(args_.kv_lengths, b);
        check(s.seq_kv >= 0 && s.seq_kv <= desc_.seq_kv, ErrorCode::kIndex, "kvLengths[", b,
              "] is ", s.seq_kv, ", expected 0 to ", desc_.seq_kv);
      }
      if (args_.prefix_lengths.defined() && b < desc_.batch) {
        s.prefix = index_at(args_.prefix_lengths, b);
        check(s.prefix >= 0, ErrorCode::kIndex, "prefixLengths[", b, "] is ", s.prefix,
              ", expected at least 0");
      }
      auto start = [&](TensorView const& t, Operand const& o, int64_t first) {
        return b * batch_stride(t, desc_.packed) + first * o.row;
      };
      s.q = start(args_.q, plan_.q, first_q);
      s.k = start(args_.k, plan_.k, first_k);
      s.v = start(args_.v, plan_.v, first_k);
      s.out = start(args_.out, plan_.out, first_q);
      s.lse = b * (args_.lse.defined() && !desc_.packed ? args_.lse.strides[0] : 0) +
              first_q * plan_.lse_row;
      s.temperature = b * plan_.temperature.batch + first_q * plan_.temperature.row;
      s.gate = b * plan_.gate.batch + first_q * plan_.gate.row;
      if (plan_.has_segments) describe_segments(s, b, first_q, first_k);
      s.chunks = chunks_of(s);
      s.partial = slots;
      if (s.chunks > 1) slots += desc_.heads_out * int64_t{s.seq_q} * s.chunks;
    }
    plan_.sequences = p_.sequences.data();
    p_.partial_floats = slots * (desc_.head_dim_v + 2);
    p_.partials.reset(
        new float[p_.partial_floats]);  // not cleared: every slot is written before it is read
    plan_.partial_out = p_.partials.get();
    plan_.partial_max = plan_.partial_out + slots * desc_.head_dim_v;
    plan_.partial_sum = plan_.partial_max + slots;
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

  /// The kernel a sequence goes to, and the cutting of its keys, depend on shapes alone: bits must
  /// not depend on the batch it is in or the threads that compute it.
  bool decodes(Sequence const& s) const { return int64_t{largest_group_} * s.seq_q <= kDecodeRows; }
  int32_t chunks_of(Sequence const& s) const {
    if (s.seq_q == 0) return 1;
    int32_t const chunk = decodes(s)                    ? kDecodeChunkKeys
                          : s.seq_q <= kSplitMaxQueries ? kPrefillChunkKeys
                                                        : INT32_MAX / 2;
    return std::max(1, (s.seq_kv + chunk - 1) / chunk);
  }

  void cut() {
    int const max_rows = desc_.head_dim + desc_.head_dim_v > 512 ? kMaxRows / 2 : kMaxRows;
    heads_per_task_ = std::min(largest_group_, max_rows / kRowsPerTile);
    rows_per_task_ =
        std::max(kRowsPerTile, max_rows / heads_per_task_ / kRowsPerTile * kRowsPerTile);
    while (rows_per_task_ > kRowsPerTile && prefill_task_count() < 3 * threads_) {
      rows_per_task_ = (rows_per_task_ / 2 + kRowsPerTile - 1) / kRowsPerTile * kRowsPerTile;
    }
    // With tokens of all heads side by side in memory, one decode task streams them all.
    bool const interleaved = plan_.k.head < plan_.k.row && plan_.v.head < plan_.v.row;
    groups_per_task_ = interleaved ? std::min(plan_.group_count, kDecodeGroups) : 1;
    // A long run of keys streams better than many short ones: four tasks a thread are enough to
    // share.
    chunks_per_task_ = static_cast<int32_t>(std::max<int64_t>(1, decode_units() / (4 * threads_)));
    for (int32_t b = 0; b < static_cast<int32_t>(p_.sequences.size()); ++b) {
      Sequence const& s = p_.sequences[b];
      if (s.seq_q == 0) continue;
      if (decodes(s)) {
        cut_decode(b, s);
      } else {
        cut_prefill(b, s);
      }
      if (s.chunks > 1) cut_combine(b, s);
    }
    // Longest first, so that no long task starts last.
    std::stable_sort(
        p_.prefill_tasks.begin(), p_.prefill_tasks.end(),
        [](AttentionTask const& a, AttentionTask const& b) { return a.row_end > b.row_end; });
  }

  int64_t prefill_task_count() const {
    int64_t count = 0;
    for (Sequence const& s : p_.sequences) {
      if (!decodes(s))
        count += int64_t{s.chunks} * ((s.seq_q + rows_per_task_ - 1) / rows_per_task_);
    }
    if (count == 0) return INT32_MAX;
    int64_t parts = 0;
    for (HeadGroup const& g : p_.groups) parts += (g.count + heads_per_task_ - 1) / heads_per_task_;
    return count * parts;
  }

  /// Chunks to decode, over all sequences and head groups.
  int64_t decode_units() const {
    int64_t chunks = 0;
    for (Sequence const& s : p_.sequences) chunks += decodes(s) ? s.chunks : 0;
    return chunks * ((plan_.group_count + groups_per_task_ - 1) / groups_per_task_);
  }

  void cut_prefill(int32_t b, Sequence const& s) {
    for (int32_t g = 0; g < plan_.group_count; ++g) {
      for (int32_t head = 0; head < p_.groups[g].count; head += heads_per_task_) {
        int32_t const head_end = std::min(head + heads_per_task_, p_.groups[g].count);
        for (int32_t row = 0; row < s.seq_q; row += rows_per_task_) {
          int32_t const row_end = std::min(row + rows_per_task_, s.seq_q);
          for (int32_t chunk = 0; chunk < s.chunks; ++chunk) {
            p_.prefill_tasks.push_back(
                {b, g, g + 1, head, head_end, row, row_end, chunk, chunk + 1});
          }
        }
      }
    }
    double const pairs = double(s.seq_q) * s.seq_kv * desc_.heads_out * (desc_.causal ? 0.5 : 1.0);
    p_.prefill_ns += pairs * 2 * double(desc_.head_dim + desc_.head_dim_v) / kFlopsPerNs;
  }

  void cut_decode(int32_t b, Sequence const& s) {
    for (int32_t g = 0; g < plan_.group_count; g += groups_per_task_) {
      int32_t const end = std::min(g + groups_per_task_, plan_.group_count);
      for (int32_t chunk = 0; chunk < s.chunks; chunk += chunks_per_task_) {
        int32_t const chunk_end = std::min(chunk + chunks_per_task_, s.chunks);
        p_.decode_tasks.push_back({b, g, end, 0, 0, 0, s.seq_q, chunk, chunk_end});
      }
    }
    double const bytes = double(s.seq_kv) * plan_.group_count * size_of(desc_.dtype) *
                         double(desc_.head_dim + desc_.head_dim_v);
    p_.decode_ns += bytes / kBytesPerNs;
  }

  void cut_combine(int32_t b, Sequence const& s) {
    for (int32_t head = 0; head < desc_.heads_out; ++head) {
      p_.combine_tasks.push_back({b, 0, 0, head, head + 1, 0, s.seq_q, 0, 0});
    }
  }

  void lay_out() {
    Arena prefill{nullptr}, decode{nullptr};
    PrefillScratch::lay_out(prefill, int64_t{rows_per_task_} * heads_per_task_, desc_.head_dim,
                            desc_.head_dim_v, plan_.bf16_dot);
    DecodeScratch::lay_out(decode, groups_per_task_, desc_.head_dim, desc_.head_dim_v);
    plan_.prefill_scratch = prefill.used;
    plan_.decode_scratch = decode.used;
  }

  // One modest core: only orders of magnitude matter here.
  static constexpr double kFlopsPerNs = 100, kBytesPerNs = 20;

  PlannedAttention& p_;
  AttentionPlan& plan_;
  AttentionDesc const& desc_;
  AttentionArgs const& args_;
  int const threads_;
  int32_t largest_group_ = 1, heads_per_task_ = 1, rows_per_task_ = kRowsPerTile,
          groups_per_task_ = 1, chunks_per_task_ = 1;
};

}  // namespace

void plan_attention(PlannedAttention& planned, AttentionDesc const& desc, AttentionArgs const& args,
                    int threads) {
  Planner(planned, desc, args, threads).run();
}

}  // namespace fattn::cpu
