#include "backends/cpu/attention/tasks.h"

#include <algorithm>

#include "backends/cpu/attention/scratch.h"

namespace fattn::cpu {
namespace {

class TaskCutter {
 public:
  TaskCutter(PlannedAttention& planned, AttentionDesc const& desc, int threads)
      : p_(planned), plan_(planned.plan), desc_(desc), threads_(threads) {}

  void run() {
    int const max_rows = desc_.head_dim + desc_.head_dim_v > 512 ? kMaxRows / 2 : kMaxRows;
    heads_per_task_ = std::min(p_.largest_group, max_rows / kRowsPerTile);
    rows_per_task_ =
        std::max(kRowsPerTile, max_rows / heads_per_task_ / kRowsPerTile * kRowsPerTile);
    // Which keys a task gathers together depends on its rows, and bits on that: rows are cut alike
    // for any number of threads.
    while (!plan_.sparse && rows_per_task_ > kRowsPerTile && prefill_task_count() < 3 * threads_) {
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
      if (!plan_.sparse && decodes(s, p_.largest_group)) {
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
    lay_out();
  }

 private:
  int64_t prefill_task_count() const {
    int64_t count = 0;
    for (Sequence const& s : p_.sequences) {
      if (!decodes(s, p_.largest_group))
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
    for (Sequence const& s : p_.sequences) chunks += decodes(s, p_.largest_group) ? s.chunks : 0;
    return chunks * ((plan_.group_count + groups_per_task_ - 1) / groups_per_task_);
  }

  void cut_prefill(int32_t b, Sequence const& s) {
    for (int32_t g = 0; g < plan_.group_count; ++g) {
      for (int32_t head = 0; head < p_.groups[g].count; head += heads_per_task_) {
        int32_t const head_end = std::min(head + heads_per_task_, p_.groups[g].count);
        for (int32_t row = 0; row < s.seq_q;) {
          int32_t const row_end = std::min(end_of_task(row), s.seq_q);
          for (int32_t chunk = 0; chunk < s.chunks; ++chunk) {
            p_.prefill_tasks.push_back(
                {b, g, g + 1, head, head_end, row, row_end, chunk, chunk + 1});
          }
          row = row_end;
        }
      }
    }
    double const pairs = double(s.seq_q) * s.seq_kv * desc_.heads_out * (desc_.causal ? 0.5 : 1.0);
    p_.prefill_ns += pairs * 2 * double(desc_.head_dim + desc_.head_dim_v) / kFlopsPerNs;
  }

  /// Of the task that begins at `row`. Where blocks of queries have lists of their own, it ends
  /// with the block at the latest, and a long block is cut evenly.
  int32_t end_of_task(int32_t row) const {
    int32_t const block = plan_.sparse ? plan_.sparse->block_rows : 0;
    if (block == 0) return row + rows_per_task_;
    int32_t const parts = (block + rows_per_task_ - 1) / rows_per_task_;
    return std::min(row + (block + parts - 1) / parts, (row / block + 1) * block);
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
  int const threads_;
  int32_t heads_per_task_ = 1, rows_per_task_ = kRowsPerTile;  // prefill
  int32_t groups_per_task_ = 1, chunks_per_task_ = 1;          // decode
};

}  // namespace

bool decodes(Sequence const& s, int32_t largest_group) {
  return int64_t{largest_group} * s.seq_q <= kDecodeRows;
}

int32_t chunks_of(Sequence const& s, int32_t largest_group) {
  if (s.seq_q == 0) return 1;
  int32_t const chunk = decodes(s, largest_group)     ? kDecodeChunkKeys
                        : s.seq_q <= kSplitMaxQueries ? kPrefillChunkKeys
                                                      : INT32_MAX / 2;
  return std::max(1, (s.seq_kv + chunk - 1) / chunk);
}

void cut_tasks(PlannedAttention& planned, AttentionDesc const& desc, int threads) {
  TaskCutter(planned, desc, threads).run();
}

}  // namespace fattn::cpu
