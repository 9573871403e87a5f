#pragma once

// A call of sparse attention for the GPU kernels, and the same in plain loops in double.

#include <algorithm>
#include <limits>

#include "kernels/attention/combine.h"
#include "kernels/sparse/list_keys.h"
#include "kernels_fixture.h"

namespace fattn::test {

struct SparseCase {
  char const* name;
  int batch, seq_q, seq_kv, heads, heads_kv, score_heads, head_dim, head_dim_v;
  bool causal = true;
  int pack = 1, chunks = 1;
  int capacity = 0;  // of a list; 0: all keys
  KeyNaming naming = KeyNaming::kIntervals;
  int keep = 0;                  // kKept: room; a list may hold fewer
  int block_q = 1, block_k = 1;  // kBlocks
  std::vector<int> kv_lengths = {};
  std::vector<int> lengths_q = {}, lengths_k = {};  // of a packed batch, which may hold more tokens

  bool packed() const { return !lengths_q.empty(); }
};

/// Rows have gaps of 8 elements, which leaves them aligned to 16 bytes.
template <class Element>
class SparseCall {
 public:
  explicit SparseCall(SparseCase const& c) : c_(c), random_(11) {
    tokens_q_ = c.packed() ? c.seq_q : c.batch * c.seq_q;
    tokens_k_ = c.packed() ? c.seq_kv : c.batch * c.seq_kv;
    q = random_elements<Element>(tokens_q_ * c.heads * row(c.head_dim), 1);
    k = random_elements<Element>(tokens_k_ * c.heads_kv * row(c.head_dim), 2);
    v = random_elements<Element>(tokens_k_ * c.heads_kv * row(c.head_dim_v), 3);
    out = Guarded<Element>(tokens_q_ * c.heads * row(c.head_dim_v));
    lse = Guarded<float>(c.heads * tokens_q_);
    describe();
    if (c.naming == KeyNaming::kIntervals) name_intervals();
    if (c.naming == KeyNaming::kKept) name_kept();
    if (c.naming == KeyNaming::kBlocks) name_blocks();
  }

  /// Lists the keys, runs `Kernel` over the tiles and Combine after it.
  template <class Kernel>
  void run(EmulationOptions const& options) {
    AttentionParams& d = p.dense;
    d.pack = c_.pack, d.chunks = c_.chunks, d.chunk_keys = INT32_MAX;
    int64_t const sequences = c_.packed() ? 1 : c_.batch;
    d.row_tiles = tiles_of(Kernel::kTileRows);
    if (c_.naming == KeyNaming::kBlocks)
      d.row_tiles =
          p.query_blocks * ((p.block_q * c_.pack + Kernel::kTileRows - 1) / Kernel::kTileRows);
    if (c_.naming == KeyNaming::kIntervals) list_keys(options, 4 * Kernel::kTileRows, sequences);
    int64_t const rows = tokens_q_ * c_.heads;
    if (d.chunks > 1) {
      partial_out_ = Guarded<float>(rows * d.chunks * c_.head_dim_v);
      partial_state_ = Guarded<float>(rows * d.chunks * 2);
      d.partial_out = partial_out_.data(), d.partial_state = partial_state_.data();
    }
    int64_t const blocks = sequences * d.row_tiles * d.chunks * (c_.heads / c_.pack);
    emulate<Kernel>(p, options, grid_of(blocks, 1));
    using Combine = CombineAttention<Element>;
    if (d.chunks > 1) emulate<Combine>(d, options, grid_of(rows, Combine::kRows));
    for (auto const* guarded : {&partial_out_, &partial_state_, &lse}) guarded->expect_guards();
    out.expect_guards();
  }

  void expect_results() {
    int first_q = 0, first_k = 0;
    int const sequences = static_cast<int>(c_.packed() ? c_.lengths_q.size() : c_.batch);
    for (int b = 0; b < sequences; ++b) {
      int const seq_q = c_.packed() ? c_.lengths_q[b] : c_.seq_q;
      int const room = c_.packed() ? c_.lengths_k[b] : c_.seq_kv;
      int const seq_kv = c_.kv_lengths.empty() ? room : c_.kv_lengths[b];
      for (int i = 0; i < seq_q; ++i)
        for (int h = 0; h < c_.heads; ++h)
          expect_row({b, first_q, seq_q, c_.packed() ? first_k : 0, seq_kv}, i, h);
      first_q += seq_q, first_k += room;
    }
    for (; first_q < tokens_q_; ++first_q)  // they belong to no sequence and see nothing
      for (int h = 0; h < c_.heads; ++h) expect_row({0, first_q, 1, 0, 0}, 0, h);
  }

  Guarded<Element> q, k, v, out;
  Guarded<float> lse, scores;
  Guarded<int32_t> intervals, kept, offsets[2], indices[2];  // of the lists: full, partial
  SparseAttentionParams p{};
  bool rounds_weights = false;  // to Element, before they are multiplied with values

 private:
  struct Span {
    int b, first_q, seq_q, first_k, seq_kv;
  };

  static int row(int dim) { return dim + 8; }
  int least(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  void describe() {
    AttentionParams& d = p.dense;
    auto rows = [&](Guarded<Element>& t, int seq, int heads, int dim) {
      int64_t const token = int64_t{heads} * row(dim);
      return TokenRows{t.data(), c_.packed() ? 0 : seq * token, token, row(dim), heads};
    };
    d.q = rows(q, c_.seq_q, c_.heads, c_.head_dim);
    d.k = rows(k, c_.seq_kv, c_.heads_kv, c_.head_dim);
    d.v = rows(v, c_.seq_kv, c_.heads_kv, c_.head_dim_v);
    d.out = rows(out, c_.seq_q, c_.heads, c_.head_dim_v);
    d.lse = {lse.data(), c_.packed() ? 0 : c_.seq_q, tokens_q_, 1};
    d.batch = static_cast<int>(c_.packed() ? c_.lengths_q.size() : c_.batch);
    d.sequences = d.batch + (c_.packed() ? 1 : 0);
    d.seq_q = c_.seq_q, d.seq_kv = c_.seq_kv, d.heads_out = c_.heads;
    d.head_dim = c_.head_dim, d.head_dim_v = c_.head_dim_v;
    d.scale = kScale, d.causal = c_.causal, d.window_left = d.window_right = -1;
    p.naming = c_.naming, p.heads = c_.score_heads;
    if (!c_.kv_lengths.empty()) d.indices.kv_lengths = c_.kv_lengths.data();
    if (!c_.packed()) return;
    starts_[0] = starts(c_.lengths_q), starts_[1] = starts(c_.lengths_k);
    starts_[0].push_back(c_.seq_q), starts_[1].push_back(starts_[1].back());
    d.indices.starts_q = starts_[0].data(), d.indices.starts_k = starts_[1].data();
  }

  static std::vector<int> starts(std::vector<int> const& lengths) {
    std::vector<int> result{0};
    for (int length : lengths) result.push_back(result.back() + length);
    return result;
  }

  void make_scores(int64_t count) {
    scores = random_elements<float>(count, 4);
    for (int64_t i = 5; i < count; i += 11) scores[i] = NAN;
  }

  /// Any numbers: what is out of range counts as far as it reaches inside.
  void name_intervals() {
    int64_t const lists = (c_.packed() ? 1 : int64_t{c_.batch}) * c_.score_heads;
    make_scores(lists * c_.seq_kv);
    intervals = Guarded<int32_t>(lists * 2 * c_.seq_kv);
    constexpr int kHostile[] = {INT32_MIN, -1, 0, INT32_MAX};
    for (int64_t i = 0; i < intervals.size(); ++i)
      intervals[i] = i % 7 == 0 ? kHostile[i / 7 % 4] : least(-2, c_.seq_q + 2);
    int64_t const batch = c_.packed() ? 0 : int64_t{c_.score_heads};
    p.scores = {scores.data(), batch * c_.seq_kv, c_.seq_kv, 1};
    p.intervals = {intervals.data(), 2 * batch * c_.seq_kv, 2 * c_.seq_kv, c_.seq_kv};
  }

  void name_kept() {
    int const lists = c_.batch * c_.score_heads;
    make_scores(int64_t{lists} * c_.keep);
    kept = Guarded<int32_t>(int64_t{lists} * (c_.keep + 1));
    for (int list = 0; list < lists; ++list) {
      int32_t* const to = kept.data() + int64_t{list} * (c_.keep + 1);
      int const count = list % 3 == 2 ? 0 : std::min(c_.keep - list % 2, c_.seq_kv);
      to[0] = list % 3 == 0 ? 1000 + count : count;  // how many there were, which may be more
      if (to[0] > count && count < c_.keep) to[0] = count;
      for (int i = 0; i < count; ++i) to[1 + i] = i * c_.seq_kv / count;
    }
    p.kept = {kept.data(), c_.keep};
    p.scores = {scores.data(), int64_t{c_.score_heads} * c_.keep, c_.keep, 1};
  }

  void name_blocks() {
    int const key_blocks = (c_.seq_kv + c_.block_k - 1) / c_.block_k;
    p.block_q = std::min(c_.block_q, c_.seq_q), p.block_k = std::min(c_.block_k, c_.seq_kv);
    p.query_blocks = (c_.seq_q + c_.block_q - 1) / c_.block_q;
    std::vector<int> found[2], begins[2];
    for (int list = 0; list < c_.batch * c_.score_heads; ++list) {
      for (int n = 0; n < p.query_blocks; ++n) {
        for (auto kind : {0, 1}) begins[kind].push_back(static_cast<int>(found[kind].size()));
        for (int block = key_blocks - 1; block >= 0; --block)
          if (int const kind = least(0, 2); kind < 2 && n != 1) found[kind].push_back(block);
      }
      for (auto kind : {0, 1}) begins[kind].push_back(static_cast<int>(found[kind].size()));
    }
    for (auto kind : {0, 1}) {
      offsets[kind] = filled(begins[kind]), indices[kind] = filled(found[kind]);
      BlockListRows& lists = kind == 0 ? p.full : p.partial;
      int64_t const head = p.query_blocks + 1;
      lists = {offsets[kind].data(),
               c_.score_heads * head,
               head,
               1,
               indices[kind].data(),
               1,
               static_cast<int>(found[kind].size())};
    }
  }

  static Guarded<int32_t> filled(std::vector<int> const& values) {
    Guarded<int32_t> result(static_cast<int64_t>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) result[static_cast<int64_t>(i)] = values[i];
    return result;
  }

  int tiles_of(int rows) const {
    return static_cast<int>(c_.packed() ? most_row_tiles(c_.seq_q, p.dense.sequences, c_.pack, rows)
                                        : (int64_t{c_.seq_q} * c_.pack + rows - 1) / rows);
  }

  void list_keys(EmulationOptions const& options, int rows, int64_t sequences) {
    p.list_rows = rows, p.list_tiles = tiles_of(rows);
    p.capacity = c_.capacity > 0 ? c_.capacity : c_.seq_kv;
    int64_t const lists = sequences * p.heads * p.list_tiles;
    keys_ = Guarded<int32_t>(lists * p.capacity);
    counts_ = Guarded<int32_t>(lists);
    p.keys = keys_.data(), p.counts = counts_.data();
    emulate<ListKeys>(p, options, grid_of(lists, ListKeys::kLists));
    keys_.expect_guards();
    counts_.expect_guards();
  }

  /// Whether a query sees a key, and the score that is added.
  bool sees(Span const& s, int n, int i, int j, double& score) {
    score = 0;
    bool const shown = !c_.causal || j <= i + s.seq_kv - s.seq_q;
    if (c_.naming == KeyNaming::kBlocks) return lists_block(s.b, n, i / c_.block_q, j, shown);
    int64_t at;  // of the score
    if (c_.naming == KeyNaming::kKept) {
      int64_t const list = int64_t{s.b} * c_.score_heads + n;
      int32_t const* const tokens = kept.data() + list * (c_.keep + 1);
      int const count = std::min(tokens[0], c_.keep);
      auto const place = std::find(tokens + 1, tokens + 1 + count, j) - tokens - 1;
      if (place == count) return false;
      at = list * c_.keep + place;
    } else {
      int64_t const list = (c_.packed() ? 0 : int64_t{s.b} * c_.score_heads) + n;
      int32_t const* const rows = intervals.data() + list * 2 * c_.seq_kv + s.first_k + j;
      if (!shown || rows[0] > i || rows[c_.seq_kv] <= i) return false;
      at = list * c_.seq_kv + s.first_k + j;
    }
    score = scores[at];
    return !std::isnan(scores[at]);  // it counts as -inf
  }

  bool lists_block(int b, int n, int query_block, int j, bool shown) {
    int64_t const list = (int64_t{b} * c_.score_heads + n) * (p.query_blocks + 1) + query_block;
    for (auto kind : {0, 1})
      for (int at = offsets[kind][list]; at < offsets[kind][list + 1]; ++at)
        if (indices[kind][at] == j / c_.block_k) return kind == 0 || shown;
    return false;
  }

  void expect_row(Span const& s, int i, int h) {
    int const n = h * c_.score_heads / c_.heads, shared = h * c_.heads_kv / c_.heads;
    int64_t const token = s.first_q + i, key_0 = c_.packed() ? s.first_k : int64_t{s.b} * c_.seq_kv;
    auto at = [&](Guarded<Element>& t, int64_t token, int heads, int head, int dim, int e) {
      return double{simt::to_float(t[(token * heads + head) * row(dim) + e])};
    };
    std::vector<double> x(static_cast<size_t>(s.seq_kv), -INFINITY);
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < s.seq_kv; ++j) {
      double score;
      if (!sees(s, n, i, j, score)) continue;
      double dot = 0;
      for (int e = 0; e < c_.head_dim; ++e)
        dot += at(q, token, c_.heads, h, c_.head_dim, e) *
               at(k, key_0 + j, c_.heads_kv, shared, c_.head_dim, e);
      x[j] = kScale * dot + score;
      most = std::max(most, x[j]);
    }
    for (double const each : x) sum += most == -INFINITY ? 0 : std::exp(each - most);
    double const expected_lse = sum > 0 ? most + std::log(sum) : -INFINITY;
    expect_near(lse[h * tokens_q_ + token], expected_lse, 2e-5, c_.name);
    for (int e = 0; e < c_.head_dim_v; ++e) {
      double expected = 0, sizes = 0;
      for (int j = 0; j < s.seq_kv; ++j) {
        if (x[j] == -INFINITY) continue;
        double const part =
            std::exp(x[j] - expected_lse) * at(v, key_0 + j, c_.heads_kv, shared, c_.head_dim_v, e);
        expected += part, sizes += std::fabs(part);
      }
      double tolerance = 1e-5 + kUnit<Element> * std::fabs(expected);
      if (rounds_weights) tolerance += kUnit<Element> / 2 * sizes;
      expect_near(at(out, token, c_.heads, h, c_.head_dim_v, e), expected, tolerance, c_.name);
    }
    for (int e = c_.head_dim_v; e < row(c_.head_dim_v); ++e)
      expect(out.fresh((token * c_.heads + h) * row(c_.head_dim_v) + e), "a gap was written");
  }

  static constexpr float kScale = 0.4f;
  SparseCase const c_;
  std::mt19937 random_;
  int64_t tokens_q_, tokens_k_;
  std::vector<int> starts_[2];
  Guarded<int32_t> keys_, counts_;
  Guarded<float> partial_out_, partial_state_;
};

}  // namespace fattn::test
