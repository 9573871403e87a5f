// AppendScores on the emulator: after every step the best of all scores so far, by sorting them.

#include <algorithm>
#include <numeric>
#include <string>

#include "kernels/dynamic_mask/append.h"
#include "kernels_fixture.h"
#include "kernels_score_kinds.h"

namespace fattn::test {
namespace {

constexpr int kBatch = 2, kHeads = 2, kLists = kBatch * kHeads;

/// A state with the tokens that it is told, `apart` elements of memory from one to the next.
class State {
 public:
  State(int keep, int tokens, ScoreKind const& kind)
      : keep_(keep),
        total_(tokens),
        given_(int64_t{kLists} * tokens * kApart),
        tokens_(int64_t{kLists} * (1 + keep)),
        kept_(int64_t{kLists} * keep) {
    std::mt19937 generator(5);
    for (int64_t i = 0; i < int64_t{kLists} * tokens; ++i)
      given_[i * kApart] = kind.of(generator, static_cast<int>(i % tokens));
    for (int list = 0; list < kLists; ++list) tokens_[int64_t{list} * (1 + keep)] = 0;
  }

  void append(int count, EmulationOptions const& options) {
    std::vector<int32_t> const counts(kLists, length_);
    int64_t const list = int64_t{total_} * kApart;
    AppendScoresParams const p{
        tokens_.data(), kept_.data(),
        counts.data(),  {given_.data() + int64_t{length_} * kApart, kHeads * list, list, kApart},
        kHeads,         keep_,
        count};
    emulate<AppendScores>(p, options, grid_of(kLists, 1));
    length_ += count;
    tokens_.expect_guards();
    kept_.expect_guards();
  }

  /// Something else writes NaN over a score that is kept.
  void spoil(int place) {
    for (int list = 0; list < kLists; ++list) kept_[int64_t{list} * keep_ + place] = NAN;
  }

  /// That no list keeps token `token` any more.
  void expect_gone(int token) {
    for (int list = 0; list < kLists; ++list)
      for (int i = 0; i < keep_; ++i)
        expect(tokens_[int64_t{list} * (1 + keep_) + 1 + i] != token, "the token of NaN");
  }

  void expect_best(std::string const& what) {
    for (int list = 0; list < kLists; ++list) {
      auto score = [&](int j) { return counted(given_[(int64_t{list} * total_ + j) * kApart]); };
      std::vector<int> best(static_cast<size_t>(length_));
      std::iota(best.begin(), best.end(), 0);
      std::stable_sort(best.begin(), best.end(), [&](int a, int b) { return score(a) > score(b); });
      if (length_ > keep_) best.resize(static_cast<size_t>(keep_));
      std::sort(best.begin(), best.end());
      int32_t const* const tokens = tokens_.data() + int64_t{list} * (1 + keep_);
      expect_equal(tokens[0], length_, (what + ", tokens").c_str());
      for (size_t i = 0; i < best.size(); ++i) {
        std::string const place = what + ", place " + std::to_string(i);
        expect_equal(tokens[1 + i], best[i], (place + ", token").c_str());
        expect_equal(kept_[int64_t{list} * keep_ + static_cast<int64_t>(i)], score(best[i]),
                     (place + ", score").c_str());
      }
    }
  }

 private:
  static constexpr int kApart = 3;
  int keep_, total_, length_ = 0;
  Guarded<float> given_;
  Guarded<int32_t> tokens_;
  Guarded<float> kept_;
};

// A block takes 256 entries at a time.
TEST(kernels_append_scores_keeps_the_best_of_all) {
  for (int const keep : {1, 7, 60, 300})
    for (ScoreKind const& kind : kScoreKinds)
      for_some_schedules([&](EmulationOptions const& options) {
        std::vector<int> const steps = {5, 1, 1, 3, 0, 70, 1, 290, 1, 1, 40};
        State state(keep, std::accumulate(steps.begin(), steps.end(), 0), kind);
        for (int const count : steps) {
          state.append(count, options);
          state.expect_best(std::string(kind.name) + ", keep " + std::to_string(keep));
        }
      });
}

TEST(kernels_append_scores_takes_a_prompt_at_once) {
  for (ScoreKind const& kind : kScoreKinds) {
    State state(500, 2300, kind);
    state.append(2299, {});
    state.expect_best(kind.name);
    state.append(1, {});
    state.expect_best(kind.name);
  }
}

TEST(kernels_append_scores_take_nan_for_the_worst_score) {
  for (int const place : {0, 3, 6})
    for_some_schedules([&](EmulationOptions const& options) {
      State state(7, 8, kScoreKinds[0]);
      state.append(7, options);
      state.spoil(place);
      state.append(1, options);
      state.expect_gone(place);
    });
}

}  // namespace
}  // namespace fattn::test
