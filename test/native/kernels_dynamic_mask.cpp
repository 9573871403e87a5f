// The selection of dynamic masks on the emulator, exactly.

#include <algorithm>

#include "kernels/dynamic_mask/select.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

struct MaskCase {
  char const* name;
  int batch, seq_q, seq_kv, score_heads, keep;
  bool causal = true;
  KeySelectionRule rule = KeySelectionRule::kPerQuery;
  std::vector<int> kv_lengths = {};
};

// Selection compares 256 keys at a time.
std::vector<MaskCase> const kCases = {
    {"less than a warp", 1, 3, 5, 1, 2},
    {"two sequences and heads", 2, 7, 45, 2, 6},
    {"as many score heads as heads", 1, 9, 40, 4, 5},
    {"rows that see no key", 1, 9, 3, 1, 2},
    {"keys of two blocks", 1, 6, 300, 1, 70},
    {"keep beyond all", 1, 6, 20, 1, 100},
    {"shared", 1, 12, 30, 2, 5, true, KeySelectionRule::kShared},
    {"all keys seen", 1, 5, 30, 2, 5, false},
    {"scores above 0", 1, 12, 30, 2, 1, true, KeySelectionRule::kRelu},
    {"padding", 3, 6, 40, 1, 5, true, KeySelectionRule::kPerQuery, {40, 0, 9}},
};

class MaskCall {
 public:
  explicit MaskCall(MaskCase const& c)
      : c_(c),
        scores_(random_elements<float>(int64_t{c.batch} * c.score_heads * c.seq_kv, 4)),
        intervals_(int64_t{c.batch} * c.score_heads * 2 * c.seq_kv) {
    for (int64_t i = 0; i < scores_.size(); ++i) {
      scores_[i] = std::round(4 * scores_[i]) / 4;  // ties
      if (i % 11 == 3) scores_[i] = NAN;
    }
  }

  void run(EmulationOptions const& options) { select(options); }

  void expect_results() {
    for (int b = 0; b < c_.batch; ++b)
      for (int n = 0; n < c_.score_heads; ++n) expect_selection(b, n);
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

  void select(EmulationOptions const& options) {
    SelectionParams p{};
    p.scores = score_values();
    p.intervals = interval_rows();
    p.kv_lengths = lengths();
    p.heads = c_.score_heads, p.seq_q = c_.seq_q, p.seq_kv = c_.seq_kv;
    p.keep = c_.keep, p.rule = c_.rule, p.causal = c_.causal;
    p.key_blocks = (c_.seq_kv + SelectKeys::kThreads - 1) / SelectKeys::kThreads;
    emulate<SelectKeys>(p, options, grid_of(int64_t{c_.batch} * c_.score_heads * p.key_blocks, 1));
    intervals_.expect_guards();
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

  void expect_selection(int b, int n) {
    int32_t const* const rows =
        intervals_.data() + (int64_t{b} * c_.score_heads + n) * 2 * c_.seq_kv;
    for (int j = 0; j < c_.seq_kv; ++j)
      for (int i = 0; i < c_.seq_q; ++i) {
        bool const found = rows[j] <= i && i < rows[c_.seq_kv + j];
        expect_equal(found, j < keys_of(b) && kept(b, n, i, j), c_.name);
      }
  }

  MaskCase const c_;
  Guarded<float> scores_;
  Guarded<int32_t> intervals_;
};

TEST(kernels_dynamic_mask_selection) {
  for (MaskCase const& c : kCases)
    for_some_schedules([&](EmulationOptions const& options) {
      MaskCall call(c);
      call.run(options);
      call.expect_results();
    });
}

}  // namespace
}  // namespace fattn::test
