// ScoreKeys on the emulator, against plain loops in double.

#include <algorithm>
#include <cmath>

#include "kernels/dynamic_mask/scores.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

struct ScoreCase {
  char const* name;
  int batch, tokens, value_heads, dim, heads;
  bool exponential = true;
  bool apart = false;       // value heads, tokens and weights with gaps between them
  bool f32_weights = true;  // else of the element type
};

// A tile has 8 tokens and 4 score heads; 128 threads take an element each at a time.
std::vector<ScoreCase> const kCases = {
    {"one token", 1, 1, 1, 5, 1},
    {"a tile of two sequences", 2, 5, 2, 24, 4},
    {"several tiles, wider than a pass", 1, 19, 3, 67, 3, false},
    {"two groups of heads", 1, 9, 2, 16, 6, false, false, false},
    {"strided, more heads than a group", 2, 11, 3, 50, 5, true, true},
    {"strided weights of the element type", 1, 8, 2, 70, 4, false, true, false},
    {"values without elements", 1, 3, 2, 0, 2, false},
};

template <class Element>
class ScoreCall {
 public:
  explicit ScoreCall(ScoreCase const& c)
      : c_(c),
        gap_(c.apart ? 3 : 0),
        head_(c.dim + gap_),
        token_(c.value_heads * head_ + gap_),
        row_(c.heads + gap_),
        v_(random_elements<Element>(int64_t{c.batch} * c.tokens * token_, 1)),
        wdt_(random_elements<float>(int64_t{width()} * row_, 2)),
        a_(random_elements<float>(c.heads, 3)),
        scores_(int64_t{c.batch} * c.heads * c.tokens),
        rounded_wdt_(wdt_.size()),
        rounded_a_(a_.size()) {
    for (int64_t i = 0; i < wdt_.size(); ++i) {
      wdt_[i] /= std::sqrt(static_cast<float>(width()));
      rounded_wdt_[i] = simt::round_to<Element>(wdt_[i]);
    }
    for (int64_t i = 0; i < a_.size(); ++i) rounded_a_[i] = simt::round_to<Element>(a_[i]);
  }

  void run(EmulationOptions const& options) {
    KeyScoreParams p{};
    p.v = {v_.data(), c_.tokens * token_, token_, head_};
    p.wdt = {wdt_.data(), true, row_, 1};
    p.a = {a_.data(), true, 0, 1};
    if (!c_.f32_weights) {
      p.wdt = {rounded_wdt_.data(), false, row_, 1};
      p.a = {rounded_a_.data(), false, 0, 1};
    }
    p.scores = {scores_.data(), int64_t{c_.heads} * c_.tokens, c_.tokens, 1};
    p.batch = c_.batch, p.tokens = c_.tokens;
    p.dim = c_.dim, p.width = width(), p.heads = c_.heads;
    p.exponential = c_.exponential;
    using Kernel = ScoreKeys<Element>;
    Index3 const tiles = grid_of(int64_t{c_.batch} * c_.tokens, Kernel::kTileTokens);
    Index3 const groups = grid_of(c_.heads, Kernel::kTileHeads);
    emulate<Kernel>(p, options, {tiles.x * groups.x, 1, 1});
    scores_.expect_guards();
  }

  void expect_results() {
    for (int b = 0; b < c_.batch; ++b)
      for (int n = 0; n < c_.heads; ++n)
        for (int s = 0; s < c_.tokens; ++s) expect_score(b, n, s);
  }

 private:
  int width() const { return c_.value_heads * c_.dim; }
  double weight(int64_t i) {
    return c_.f32_weights ? double{wdt_[i]} : double{simt::to_float(rounded_wdt_[i])};
  }
  double factor(int n) {
    return c_.f32_weights ? double{a_[n]} : double{simt::to_float(rounded_a_[n])};
  }

  /// A sum of f32 errs by at most one rounding of the sum of magnitudes per term; softplus passes
  /// no more than that on and adds 4 roundings, as does the exp.
  void expect_score(int b, int n, int s) {
    double dt = 0, magnitude = 0;
    for (int c = 0; c < width(); ++c) {
      int64_t const place = (int64_t{b} * c_.tokens + s) * token_ + c / c_.dim * head_ + c % c_.dim;
      double const term = double{simt::to_float(v_[place])} * weight(c * row_ + n);
      dt += term;
      magnitude += std::fabs(term);
    }
    double const softplus = std::log1p(std::exp(dt)), e = factor(n) * softplus;
    double const error =
        0x1p-24 * (std::fabs(factor(n)) * (width() * magnitude + 4 * softplus) + 4 * std::fabs(e));
    float const found = scores_[(int64_t{b} * c_.heads + n) * c_.tokens + s];
    if (c_.exponential)
      expect_near(found, std::exp(e), std::exp(e) * (error + 4 * 0x1p-24), c_.name);
    else
      expect_near(found, e, error, c_.name);
  }

  ScoreCase const c_;
  int64_t const gap_, head_, token_, row_;
  Guarded<Element> v_;
  Guarded<float> wdt_, a_, scores_;
  Guarded<Element> rounded_wdt_, rounded_a_;
};

template <class Element>
void expect_all() {
  for (ScoreCase const& c : kCases)
    for_some_schedules([&](EmulationOptions const& options) {
      ScoreCall<Element> call(c);
      call.run(options);
      call.expect_results();
    });
}

TEST(kernels_key_scores_float32) { expect_all<float>(); }
TEST(kernels_key_scores_float16) { expect_all<F16>(); }
TEST(kernels_key_scores_bfloat16) { expect_all<BF16>(); }

}  // namespace
}  // namespace fattn::test
