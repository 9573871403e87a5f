// Scores that a factor does not describe: bias, mask, ALiBi, soft cap, temperature, segments. One
// option after the other for the scores of a row that a lane holds, so that an absent option costs
// a branch per row, and none is asked for a key that the row does not see: bias and mask may not
// have it.
#pragma once

#include "kernels/attention/mma16/weights.h"
#include "kernels/attention/score.h"

namespace fattn::mma16 {

/// The scores of one row that a lane holds, by number 0 .. kCount - 1, and which of them count.
template <class Traits>
struct LaneScores {
  static constexpr int kCount = Traits::kBlockN / 4;
  static_assert(kCount <= 32, "one bit each");
  Scores<Traits>& scores;
  int strip, half;
  int32_t first;  // key of the lane's first column
  uint32_t visible;

  FATTN_DEVICE int32_t key(int number) const {
    return first + column_after(number / 2, number % 2);
  }

  /// score = change(score, key) for those that count.
  template <class Change>
  FATTN_DEVICE void change(Change const& change) {
    FATTN_UNROLL_DEVICE for (int number = 0; number < kCount; ++number) if (visible >> number & 1) {
      float& score = scores.at[strip][number / 2][2 * half + number % 2];
      score = change(score, key(number));
    }
  }
  /// Of those that count, those whose key passes the test still do.
  template <class Test>
  FATTN_DEVICE void keep(Test const& test) {
    FATTN_UNROLL_DEVICE for (int number = 0; number < kCount;
                             ++number) if ((visible >> number & 1) && !test(key(number))) visible &=
        ~(1u << number);
  }
  FATTN_DEVICE void hide() {
    FATTN_UNROLL_DEVICE for (int number = 0; number < kCount;
                             ++number) if (!(visible >> number & 1))
        scores.at[strip][number / 2][2 * half + number % 2] = -simt::kInfinity;
  }
};

/// From products to scores in base 2, -inf where the row does not see the key. `first` is the key
/// of column 0. The order of the steps is that of score_of() in score.h.
template <class Traits>
FATTN_DEVICE void reshape_scores(AttentionParams const& p, Scores<Traits>& scores,
                                 simt::SharedMemory memory, int32_t first) {
  SequenceRange const s = kept_tile<Traits>(memory).load().sequence;
  Place const place;
  first += place.first_column();
  FATTN_UNROLL_DEVICE for (int strip = 0; strip < Traits::kStrips; ++strip)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    int const at = place.row<Traits>(strip, half);
    RowFacts const facts = kept_row<Traits>(memory, at).load();
    LaneScores<Traits> own{scores, strip, half, first, ~uint32_t{0}};
    own.keep([&](int32_t key) { return sees(facts.limits, key); });
    if (facts.query >= 0) {
      ScoreRow const row = SharedRecord<ScoreRow>(memory, Traits::kScoreRows, at).load();
      if (p.segments_k) own.keep([&](int32_t key) { return same_segment(p, s, row, key); });
      if (p.mask.data) own.keep([&](int32_t key) { return unmasked(p, row, key); });
      own.change([&](float x, int32_t) { return x * row.scale; });
      if (p.softcap > 0) own.change([&](float x, int32_t) { return soft_capped(p, x); });
      if (p.bias.data) own.change([&](float x, int32_t key) { return x + bias_of(p, row, key); });
      if (row.slope != 0)
        own.change([&](float x, int32_t key) { return x - distance_cost(row, key); });
      own.change([&](float x, int32_t) { return x * kLog2E; });
    }
    own.hide();
  }
}

}  // namespace fattn::mma16
