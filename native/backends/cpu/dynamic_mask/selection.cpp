// Top-w of every prefix in one pass: a key that better ones have pushed out never returns, so the
// rows that keep a key are one run, and a heap of the w best gives its end for all keys in
// O(s log w).
#include "backends/cpu/dynamic_mask/selection.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "backends/cpu/attention/planner.h"

namespace fattn::cpu {
namespace {

constexpr float kLeast = -std::numeric_limits<float>::infinity();

struct Candidate {
  float score;
  int32_t key;
};

/// Of equal scores the lower key counts as better: a new key that is only as good pushes none out.
bool better(Candidate const& a, Candidate const& b) {
  return a.score > b.score || (a.score == b.score && a.key < b.key);
}

/// One sequence as seen by one score head.
struct Selector {
  KeyIntervalsDesc const& desc;
  int32_t keys, queries;
  float const* scores;
  int64_t score_stride;
  int32_t *first, *end;  // by key
  int64_t stride;

  float score(int32_t key) const {
    float const x = scores[key * score_stride];
    return x == x ? x : kLeast;
  }

  /// The first row that sees the key.
  int32_t row_of(int32_t key) const {
    return desc.causal ? std::max(0, key - (keys - queries)) : 0;
  }

  void set(int32_t key, int32_t from, int32_t to) const {
    bool const kept = from < to;
    first[key * stride] = kept ? from : 0;
    end[key * stride] = kept ? to : 0;
  }

  void run() const {
    if (desc.selection == KeySelection::kRelu)
      for (int32_t j = 0; j < keys; ++j) set(j, row_of(j), score(j) > 0 ? queries : 0);
    else
      select_best();
    if (desc.block_size > 0) smooth();
  }

  void select_best() const {
    bool const per_row = desc.causal && desc.selection == KeySelection::kPerQuery;
    auto const keep = static_cast<size_t>(std::min<int64_t>(desc.keep, keys));
    std::vector<Candidate> best;  // a heap with its worst in front
    best.reserve(keep);
    for (int32_t j = 0; j < keys; ++j) {
      Candidate const candidate{score(j), j};
      if (best.size() == keep) {
        if (!better(candidate, best.front())) {
          set(j, 0, 0);
          continue;
        }
        int32_t const out = best.front().key;
        set(out, row_of(out), per_row ? row_of(j) : 0);
        std::pop_heap(best.begin(), best.end(), better);
        best.pop_back();
      }
      best.push_back(candidate);
      std::push_heap(best.begin(), best.end(), better);
    }
    // What all rows share is smoothed before it is known which of them sees which key.
    bool const first_smoothed = desc.selection == KeySelection::kShared && desc.block_size > 0;
    for (Candidate const& each : best)
      set(each.key, first_smoothed ? 0 : row_of(each.key), queries);
  }

  /// A block that a row keeps by more than half is kept whole, any other dropped whole. How many
  /// keys of a block a row keeps first rises from row to row and then falls: while its own keys
  /// arrive, one of them pushes out at most another of them. So these rows are one run too.
  void smooth() const {
    std::vector<std::pair<int32_t, int32_t>> changes;  // row, keys that come and go there
    for (int64_t begin = 0; begin < keys; begin += desc.block_size) {
      auto const from = static_cast<int32_t>(begin);
      auto const to = static_cast<int32_t>(std::min<int64_t>(keys, begin + desc.block_size));
      changes.clear();
      for (int32_t j = from; j < to; ++j) {
        if (end[j * stride] == 0) continue;
        changes.emplace_back(first[j * stride], 1);
        changes.emplace_back(end[j * stride], -1);
      }
      auto const [first_row, end_row] = kept_by_half(changes, to - from);
      for (int32_t j = from; j < to; ++j) set(j, std::max(row_of(j), first_row), end_row);
    }
  }

  static std::pair<int32_t, int32_t> kept_by_half(std::vector<std::pair<int32_t, int32_t>>& changes,
                                                  int32_t size) {
    std::sort(changes.begin(), changes.end());
    int32_t from = 0, kept = 0;
    bool inside = false;
    for (size_t i = 0; i < changes.size();) {
      int32_t const row = changes[i].first;
      for (; i < changes.size() && changes[i].first == row; ++i) kept += changes[i].second;
      bool const most = 2 * int64_t{kept} > size;
      if (inside && !most) return {from, row};
      if (!inside && most) from = row;
      inside = most;
    }
    return {0, 0};
  }
};

/// Keys [first, first + keys) of batch entry `entry`, seen by `queries` rows.
struct KeyRun {
  int64_t entry, first;
  int32_t keys, queries;
};

/// Every key is in one run; those of no sequence are seen by no row.
std::vector<KeyRun> runs_of(KeyIntervalsDesc const& desc, KeyIntervalsArgs const& args) {
  std::vector<KeyRun> runs;
  auto add = [&](int64_t entry, int64_t first, int64_t keys, int64_t queries) {
    runs.push_back({entry, first, static_cast<int32_t>(keys), static_cast<int32_t>(queries)});
  };
  int64_t const keys = args.scores.sizes[args.scores.rank() - 1];
  if (args.cu_seq_lens_q.defined()) {
    int64_t const batch = args.cu_seq_lens_q.sizes[0] - 1;
    auto const q = read_cu_seq_lens("cuSeqLensQ", args.cu_seq_lens_q, batch, desc.seq_q);
    auto const k = read_cu_seq_lens("cuSeqLensK", args.cu_seq_lens_k, batch, keys);
    for (int64_t b = 0; b < batch; ++b) add(0, k[b], k[b + 1] - k[b], q[b + 1] - q[b]);
    add(0, k.back(), keys - k.back(), 0);
    return runs;
  }
  for (int64_t b = 0; b < args.scores.sizes[0]; ++b) {
    TensorView const& lengths = args.kv_lengths;
    int64_t const used = lengths.defined() ? read_kv_length(lengths, b, keys) : keys;
    add(b, 0, used, desc.seq_q);
    add(b, used, keys - used, 0);
  }
  return runs;
}

}  // namespace

void run_key_intervals(JobContext& context, KeyIntervalsDesc const& desc,
                       KeyIntervalsArgs const& args) {
  TensorView const &scores = args.scores, &intervals = args.intervals;
  std::vector<KeyRun> const runs = runs_of(desc, args);  // or an error, even of no keys
  if (intervals.elements() == 0) return;
  int const axis = scores.rank() - 2;  // of the heads, in both
  int64_t const heads = scores.sizes[axis];
  auto select = [&](int64_t task, Worker&) {
    KeyRun const& run = runs[task / heads];
    int64_t const head = task % heads;
    float const* from =
        scores.data<float>() + run.first * scores.strides[axis + 1] + head * scores.strides[axis];
    int32_t* to = intervals.data<int32_t>() + run.first * intervals.strides[axis + 2] +
                  head * intervals.strides[axis];
    if (axis == 1) {
      from += run.entry * scores.strides[0];
      to += run.entry * intervals.strides[0];
    }
    Selector{.desc = desc,
             .keys = run.keys,
             .queries = run.queries,
             .scores = from,
             .score_stride = scores.strides[axis + 1],
             .first = to,
             .end = to + intervals.strides[axis + 1],
             .stride = intervals.strides[axis + 2]}
        .run();
  };
  double const nanoseconds = 5 * static_cast<double>(scores.elements());
  context.parallel_for(static_cast<int64_t>(runs.size()) * heads, nanoseconds, select);
}

}  // namespace fattn::cpu
