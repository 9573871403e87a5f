// Attention over gathered keys on the emulator: lists exactly, attention over them against plain
// loops in double.

#include <algorithm>

#include "kernels/dynamic_mask/attention.h"
#include "kernels/dynamic_mask/key_lists.h"
#include "kernels/dynamic_mask/selection_params.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

struct MaskCase {
  char const* name;
  int batch, seq_q, seq_kv, heads, heads_kv, score_heads, head_dim, head_dim_v, keep;
  bool causal = true;
  KeySelectionRule rule = KeySelectionRule::kPerQuery;
  int pack = 1;
  std::vector<int> kv_lengths = {};
};

// Lists take 32 keys at a time, and a tile has 4 rows.
std::vector<MaskCase> const kCases = {
    {"less than a tile", 1, 3, 5, 2, 2, 1, 4, 2, 2},
    {"grouped heads, odd sizes", 2, 7, 45, 4, 2, 2, 37, 12, 6},
    {"a score head per query head", 1, 9, 40, 4, 2, 4, 8, 8, 5},
    {"heads that share a tile", 1, 9, 40, 4, 2, 2, 8, 8, 5, true, KeySelectionRule::kPerQuery, 2},
    {"rows that see no key", 1, 9, 3, 2, 1, 1, 16, 16, 2},
    {"keys of two blocks", 1, 6, 300, 1, 1, 1, 8, 8, 70},
    {"output wider than a pass", 1, 3, 40, 1, 1, 1, 8, 300, 9},
    {"keep beyond all", 1, 6, 20, 1, 1, 1, 8, 8, 100},
    {"shared", 1, 12, 30, 2, 2, 2, 8, 8, 5, true, KeySelectionRule::kShared},
    {"all keys seen", 1, 5, 30, 2, 2, 2, 8, 8, 5, false},
    {"scores above 0", 1, 12, 30, 2, 2, 2, 8, 8, 1, true, KeySelectionRule::kRelu},
    {"padding", 3, 6, 40, 2, 1, 1, 8, 8, 5, true, KeySelectionRule::kPerQuery, 1, {40, 0, 9}},
};

template <class Element>
class MaskCall {
 public:
  explicit MaskCall(MaskCase const& c)
      : c_(c),
        q_(random_elements<Element>(int64_t{c.batch} * c.seq_q * c.heads * c.head_dim, 1)),
        k_(random_elements<Element>(int64_t{c.batch} * c.seq_kv * c.heads_kv * c.head_dim, 2)),
        v_(random_elements<Element>(int64_t{c.batch} * c.seq_kv * c.heads_kv * c.head_dim_v, 3)),
        out_(int64_t{c.batch} * c.seq_q * c.heads * c.head_dim_v),
        scores_(random_elements<float>(int64_t{c.batch} * c.score_heads * c.seq_kv, 4)),
        lse_(int64_t{c.batch} * c.heads * c.seq_q),
        intervals_(int64_t{c.batch} * c.score_heads * 2 * c.seq_kv) {
    for (int64_t i = 0; i < scores_.size(); ++i) {
      scores_[i] = std::round(4 * scores_[i]) / 4;  // ties
      if (i % 11 == 3) scores_[i] = NAN;
    }
  }

  void run(EmulationOptions const& options) {
    select();
    tiles_ = (c_.seq_q * c_.pack + ListedAttention<Element>::kTileRows - 1) /
             ListedAttention<Element>::kTileRows;
    list(options);
    attend(options);
  }

  void expect_results() {
    for (int b = 0; b < c_.batch; ++b)
      for (int h = 0; h < c_.heads; ++h)
        for (int i = 0; i < c_.seq_q; ++i) expect_row(b, h, i);
  }

 private:
  int keys_of(int b) const { return c_.kv_lengths.empty() ? c_.seq_kv : c_.kv_lengths[b]; }
  int const* lengths() const { return c_.kv_lengths.empty() ? nullptr : c_.kv_lengths.data(); }
  KeyScoreValues score_values() {
    return {scores_.data(), int64_t{c_.score_heads} * c_.seq_kv, c_.seq_kv, 1};
  }
  KeyIntervalRows interval_rows() {
    int64_t const head = 2 * c_.seq_kv;
    return {intervals_.data(), c_.score_heads * head, head, c_.seq_kv};
  }

  void select() {
    for (int64_t i = 0; i < intervals_.size(); ++i) intervals_[i] = 0;
    for (int b = 0; b < c_.batch; ++b)
      for (int n = 0; n < c_.score_heads; ++n)
        for (int j = 0; j < keys_of(b); ++j) {
          int32_t* const rows =
              intervals_.data() + (int64_t{b} * c_.score_heads + n) * 2 * c_.seq_kv + j;
          for (int i = c_.seq_q; i-- > 0;) {
            if (!kept(b, n, i, j)) continue;
            rows[0] = i;
            rows[c_.seq_kv] = std::max(rows[c_.seq_kv], i + 1);
          }
        }
  }

  void list(EmulationOptions const& options) {
    KeyListParams p{};
    p.intervals = interval_rows();
    p.heads = c_.score_heads, p.tiles = tiles_;
    p.tile_queries = ListedAttention<Element>::kTileRows / c_.pack;
    p.seq_kv = p.capacity = c_.seq_kv;
    p.lists = c_.batch * c_.score_heads * tiles_;
    keys_ = Guarded<int32_t>(int64_t{p.lists} * p.capacity);
    counts_ = Guarded<int32_t>(p.lists);
    p.keys = keys_.data(), p.counts = counts_.data();
    emulate<ListKeys>(p, options, grid_of(p.lists, ListKeys::kLists));
    keys_.expect_guards();
    counts_.expect_guards();
    for (int list = 0; list < p.lists; ++list) expect_list(list, p.tile_queries);
  }

  void expect_list(int list, int tile_queries) {
    int const tile = list % tiles_, n = list / tiles_ % c_.score_heads;
    int const b = list / tiles_ / c_.score_heads;
    std::vector<int> expected;
    for (int j = 0; j < keys_of(b); ++j) {
      bool any = false;
      for (int i = tile * tile_queries; i < std::min(c_.seq_q, (tile + 1) * tile_queries); ++i)
        any |= kept(b, n, i, j);
      if (any) expected.push_back(j);
    }
    expect_equal(counts_[list], static_cast<int>(expected.size()), c_.name);
    for (size_t place = 0; place < expected.size(); ++place)
      expect_equal(keys_[int64_t{list} * c_.seq_kv + static_cast<int64_t>(place)], expected[place],
                   c_.name);
  }

  void attend(EmulationOptions const& options) {
    auto rows = [](auto& t, int seq, int heads, int dim) {
      int64_t const token = int64_t{heads} * dim;
      return TokenRows{t.data(), seq * token, token, dim, heads};
    };
    ListedAttentionParams p{};
    AttentionParams& d = p.dense;
    d.q = rows(q_, c_.seq_q, c_.heads, c_.head_dim);
    d.k = rows(k_, c_.seq_kv, c_.heads_kv, c_.head_dim);
    d.v = rows(v_, c_.seq_kv, c_.heads_kv, c_.head_dim_v);
    d.out = rows(out_, c_.seq_q, c_.heads, c_.head_dim_v);
    d.lse = {lse_.data(), int64_t{c_.heads} * c_.seq_q, c_.seq_q, 1};
    d.indices.kv_lengths = lengths();
    d.sequences = d.batch = c_.batch;
    d.seq_q = c_.seq_q, d.seq_kv = c_.seq_kv, d.heads_out = c_.heads;
    d.head_dim = c_.head_dim, d.head_dim_v = c_.head_dim_v;
    d.scale = kScale, d.causal = c_.causal;
    d.window_left = d.window_right = -1;
    d.pack = c_.pack, d.row_tiles = tiles_, d.chunks = 1, d.chunk_keys = INT32_MAX;
    p.scores = score_values();
    p.intervals = interval_rows();
    p.keys = keys_.data(), p.counts = counts_.data();
    p.score_heads = c_.score_heads, p.capacity = c_.seq_kv;
    int64_t const blocks = int64_t{tiles_} * (c_.heads / c_.pack) * c_.batch;
    emulate<ListedAttention<Element>>(p, options, grid_of(blocks, 1));
    out_.expect_guards();
    lse_.expect_guards();
  }

  float score(int b, int n, int j) {
    float const x = scores_[(int64_t{b} * c_.score_heads + n) * c_.seq_kv + j];
    return std::isnan(x) ? -INFINITY : x;
  }

  /// Fewer than `keep` of the keys it is chosen among are better.
  bool kept(int b, int n, int i, int j) {
    int const keys = keys_of(b);
    int const seen = c_.causal ? std::clamp(i + keys - c_.seq_q + 1, 0, keys) : keys;
    if (j >= seen) return false;
    if (c_.rule == KeySelectionRule::kRelu) return score(b, n, j) > 0;
    int const rivals = c_.rule == KeySelectionRule::kShared ? keys : seen;
    int better = 0;
    for (int other = 0; other < rivals; ++other)
      better += score(b, n, other) > score(b, n, j) ||
                (score(b, n, other) == score(b, n, j) && other < j);
    return better < c_.keep;
  }

  void expect_row(int b, int h, int i) {
    int const n = h * c_.score_heads / c_.heads, shared = h * c_.heads_kv / c_.heads;
    std::vector<double> x(static_cast<size_t>(c_.seq_kv), -INFINITY);
    double most = -INFINITY, sum = 0;
    for (int j = 0; j < keys_of(b); ++j) {
      if (!kept(b, n, i, j)) continue;
      double dot = 0;
      for (int e = 0; e < c_.head_dim; ++e)
        dot += double{simt::to_float(
                   q_[((int64_t{b} * c_.seq_q + i) * c_.heads + h) * c_.head_dim + e])} *
               simt::to_float(
                   k_[((int64_t{b} * c_.seq_kv + j) * c_.heads_kv + shared) * c_.head_dim + e]);
      x[j] = kScale * dot + score(b, n, j);
      most = std::max(most, x[j]);
    }
    for (double const each : x) sum += most == -INFINITY ? 0 : std::exp(each - most);
    double const lse = sum > 0 ? most + std::log(sum) : -INFINITY;
    expect_near(lse_[(int64_t{b} * c_.heads + h) * c_.seq_q + i], lse, 2e-5, c_.name);
    for (int e = 0; e < c_.head_dim_v; ++e) {
      double expected = 0;
      for (int j = 0; j < c_.seq_kv; ++j)
        if (x[j] > -INFINITY)
          expected +=
              std::exp(x[j] - lse) *
              simt::to_float(
                  v_[((int64_t{b} * c_.seq_kv + j) * c_.heads_kv + shared) * c_.head_dim_v + e]);
      float const found =
          simt::to_float(out_[((int64_t{b} * c_.seq_q + i) * c_.heads + h) * c_.head_dim_v + e]);
      expect_near(found, expected, 1e-5 + kUnit<Element> * std::fabs(expected), c_.name);
    }
  }

  static constexpr float kScale = 0.3f;
  MaskCase const c_;
  Guarded<Element> q_, k_, v_, out_;
  Guarded<float> scores_, lse_;
  Guarded<int32_t> intervals_, keys_, counts_;
  int tiles_ = 0;
};

template <class Element>
void expect_all() {
  for (MaskCase const& c : kCases)
    for_some_schedules([&](EmulationOptions const& options) {
      MaskCall<Element> call(c);
      call.run(options);
      call.expect_results();
    });
}

TEST(kernels_dynamic_mask_float32) { expect_all<float>(); }
TEST(kernels_dynamic_mask_float16) { expect_all<F16>(); }
TEST(kernels_dynamic_mask_bfloat16) { expect_all<BF16>(); }

}  // namespace
}  // namespace fattn::test
