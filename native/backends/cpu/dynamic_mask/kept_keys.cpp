#include "backends/cpu/dynamic_mask/kept_keys.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace fattn::cpu {
namespace {

float without_nan(float score) {
  return score == score ? score : -std::numeric_limits<float>::infinity();
}

/// The best keys so far of one sequence and score head, in the order of their indices.
struct Kept {
  int32_t* tokens;
  float* scores;
  int64_t count, keep;
  int64_t worst = -1;  // its place; -1: not known

  /// A new token has the highest index, so it goes behind all, and of equal scores the last is the
  /// worst.
  void add(int32_t token, float score) {
    if (count == keep) {
      if (worst < 0) find_worst();
      if (!(score > scores[worst])) return;
      std::copy(tokens + worst + 1, tokens + count, tokens + worst);
      std::copy(scores + worst + 1, scores + count, scores + worst);
      --count;
      worst = -1;
    }
    tokens[count] = token;
    scores[count] = score;
    ++count;
  }

  /// NaN, which only others write here, counts as -inf.
  void replace_nan() const {
    for (int64_t i = 0; i < count; ++i) scores[i] = without_nan(scores[i]);
  }

  void find_worst() {
    worst = 0;
    for (int64_t i = 1; i < count; ++i)
      if (scores[i] <= scores[worst]) worst = i;
  }
};

}  // namespace

void run_append_scores(JobContext& context, AppendScoresArgs const& args) {
  TensorView const &from = args.scores, &tokens = args.kept.tokens, &scores = args.kept.scores;
  int64_t const heads = scores.sizes[1], keep = scores.sizes[2], added = from.sizes[2];
  int64_t const lists = scores.sizes[0] * heads;
  for (int64_t list = 0; list < lists; ++list) {
    int32_t const seen = tokens.data<int32_t>()[list * (keep + 1)];
    check(seen >= 0 && added <= std::numeric_limits<int32_t>::max() - int64_t{seen},
          ErrorCode::kIndex, "the state counts ", seen, " tokens");
  }
  auto append = [&](int64_t list, Worker&) {
    int32_t* const seen = tokens.data<int32_t>() + list * (keep + 1);
    int32_t const first = std::max(*seen, 0);
    Kept kept{.tokens = seen + 1,
              .scores = scores.data<float>() + list * keep,
              .count = std::min<int64_t>(first, keep),
              .keep = keep};
    kept.replace_nan();
    float const* const given =
        from.data<float>() + list / heads * from.strides[0] + list % heads * from.strides[1];
    for (int64_t n = 0; n < added; ++n) {
      kept.add(first + static_cast<int32_t>(n), without_nan(given[n * from.strides[2]]));
    }
    *seen = first + static_cast<int32_t>(added);
  };
  double const nanoseconds = static_cast<double>(lists) * static_cast<double>(keep + 10 * added);
  context.parallel_for(lists, nanoseconds, append);
}

}  // namespace fattn::cpu
