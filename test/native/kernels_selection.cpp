// The kernels that select keys, on the emulator, exactly: against rows that ask one after the other
// which keys they keep.

#include <algorithm>
#include <bit>
#include <string>

#include "kernels/dynamic_mask/select.h"
#include "kernels/dynamic_mask/smooth.h"
#include "kernels/dynamic_mask/sort.h"
#include "kernels_fixture.h"
#include "kernels_score_kinds.h"

namespace fattn::test {
namespace {

using Rule = KeySelectionRule;

struct SelectionCase {
  char const* name;
  int batch, heads, seq_q, seq_kv, keep;
  bool causal = true;
  Rule rule = Rule::kPerQuery;
  int block = 0;
  int apart = 1;  // strides of keys
  std::vector<int> kv_lengths = {};
  std::vector<int> starts_q = {}, starts_k = {};
};

SelectionCase packed(SelectionCase c, std::vector<int> starts_q, std::vector<int> starts_k) {
  c.starts_q = std::move(starts_q);
  c.starts_k = std::move(starts_k);
  return c;
}
std::vector<int> const kStartsQ = {0, 30, 30, 31, 60, 85}, kStartsK = {0, 20, 55, 55, 56, 100};

// A word of the ranking has 32 places, a block of the kernels 256 keys.
std::vector<SelectionCase> const kCases = {
    {"one key", 1, 1, 1, 1, 1},
    {"two keys", 1, 1, 2, 2, 1},
    {"a word", 1, 2, 32, 32, 5},
    {"a word and a key", 2, 1, 33, 33, 7},
    {"several blocks", 1, 2, 520, 520, 60},
    {"keep 1", 1, 1, 70, 70, 1},
    {"keep all but one", 1, 1, 70, 70, 69},
    {"keep all", 1, 1, 70, 70, 70},
    {"keep more than there are", 1, 1, 40, 40, 500},
    {"more keys than queries", 1, 2, 9, 100, 12},
    {"more queries than keys", 1, 2, 100, 41, 12},
    {"one query", 1, 2, 1, 90, 12},
    {"no query", 1, 1, 0, 50, 12},
    {"strided", 2, 2, 50, 50, 9, true, Rule::kPerQuery, 0, 3},
    {"all keys seen", 1, 2, 20, 50, 9, false},
    {"shared", 1, 2, 50, 50, 9, true, Rule::kShared},
    {"scores above 0", 1, 2, 20, 50, 1, true, Rule::kRelu},
    {"padding", 4, 1, 40, 70, 9, true, Rule::kPerQuery, 0, 1, {70, 0, 8, 33}},
    packed({"packed, tokens behind the last", 1, 2, 90, 110, 9}, kStartsQ, kStartsK),
    packed({"packed, none", 1, 1, 9, 40, 9, true, Rule::kPerQuery, 4}, {0}, {0}),
    packed({"packed, all keys seen", 1, 2, 40, 70, 9, false}, {0, 30, 40}, {0, 33, 70}),
    {"blocks", 1, 2, 75, 75, 20, true, Rule::kPerQuery, 8},
    {"blocks that are never half full", 1, 1, 60, 60, 3, true, Rule::kPerQuery, 8},
    {"blocks of one key", 1, 1, 40, 40, 9, true, Rule::kPerQuery, 1},
    {"blocks of an odd number of keys", 1, 2, 50, 80, 30, true, Rule::kPerQuery, 7},
    {"a block of all", 1, 1, 60, 60, 33, true, Rule::kPerQuery, 100},
    {"blocks, shared", 1, 2, 50, 80, 30, true, Rule::kShared, 7},
    {"blocks, all keys seen", 1, 2, 50, 80, 30, false, Rule::kPerQuery, 7},
    {"blocks, scores above 0", 1, 2, 50, 80, 1, true, Rule::kRelu, 5},
    {"blocks, more queries than keys", 1, 1, 80, 50, 30, true, Rule::kPerQuery, 40},
    {"blocks, padding", 3, 1, 40, 70, 20, true, Rule::kPerQuery, 6, 2, {70, 0, 8}},
    packed({"blocks, packed", 1, 2, 90, 110, 20, true, Rule::kPerQuery, 6}, kStartsQ, kStartsK),
};

class SelectionCall {
 public:
  SelectionCall(SelectionCase const& c, ScoreKind const& kind)
      : c_(c), scores_(places() * c.apart), intervals_(2 * places() * c.apart) {
    std::mt19937 generator(7);
    for (int64_t i = 0; i < places(); ++i)
      scores_[i * c.apart] = kind.of(generator, static_cast<int>(i % c.seq_kv));
  }

  void run(EmulationOptions const& options) {
    SelectionParams p{};
    int64_t const list = int64_t{c_.seq_kv} * c_.apart;
    p.scores = {scores_.data(), c_.heads * list, list, c_.apart};
    p.intervals = {intervals_.data(), 2 * c_.heads * list, 2 * list, list, c_.apart};
    if (!c_.kv_lengths.empty()) p.kv_lengths = c_.kv_lengths.data();
    if (packed()) {
      p.starts_q = c_.starts_q.data();
      p.starts_k = c_.starts_k.data();
      p.sequences = static_cast<int>(c_.starts_k.size()) - 1;
    }
    p.heads = c_.heads, p.seq_q = c_.seq_q, p.seq_kv = c_.seq_kv;
    p.keep = std::min(c_.keep, c_.seq_kv), p.rule = c_.rule, p.causal = c_.causal;
    p.smoothed = c_.block > 0, p.block_keys = std::min(c_.block, c_.seq_kv);
    if (p.keep < p.seq_kv && p.rule != Rule::kRelu) rank(p, options);
    p.list_blocks = blocks(c_.seq_kv, SelectKeys::kThreads);
    emulate<SelectKeys>(p, options, grid_of(lists() * p.list_blocks, 1));
    if (!p.smoothed) return;
    int const most = c_.seq_kv / p.block_keys + std::max(1, p.sequences);
    p.list_blocks = blocks(most, SmoothSelection::kWarps);
    emulate<SmoothSelection>(p, options, grid_of(lists() * p.list_blocks, 1));
  }

  void expect_results(std::string const& what) {
    intervals_.expect_guards();
    std::vector<std::pair<int, int>> expected(static_cast<size_t>(places()), {0, 0});
    for (int b = 0; b < c_.batch; ++b)
      for (int h = 0; h < c_.heads; ++h) {
        int64_t const at = (int64_t{b} * c_.heads + h) * c_.seq_kv;
        if (!packed()) {
          ask_rows(at, c_.kv_lengths.empty() ? c_.seq_kv : c_.kv_lengths[b], c_.seq_q, expected);
          continue;
        }
        for (size_t n = 0; n + 1 < c_.starts_k.size(); ++n)
          ask_rows(at + c_.starts_k[n], c_.starts_k[n + 1] - c_.starts_k[n],
                   c_.starts_q[n + 1] - c_.starts_q[n], expected);
      }
    for (int64_t i = 0; i < places(); ++i) {
      int32_t const* const rows =
          &intervals_[(i / c_.seq_kv * 2 * c_.seq_kv + i % c_.seq_kv) * c_.apart];
      std::string const key = what + ", key " + std::to_string(i);
      expect_equal(rows[0], expected[i].first, (key + ", first").c_str());
      expect_equal(rows[c_.seq_kv * c_.apart], expected[i].second, (key + ", end").c_str());
    }
  }

 private:
  bool packed() const { return !c_.starts_k.empty(); }
  int lists() const { return c_.batch * c_.heads; }
  int64_t places() const { return int64_t{c_.batch} * c_.heads * c_.seq_kv; }
  static int blocks(int items, int each) { return (items + each - 1) / each; }

  void rank(SelectionParams& p, EmulationOptions const& options) {
    KeyRanking& r = p.ranking;
    r.keys = p.seq_kv;
    r.levels = std::bit_width(static_cast<unsigned>(r.keys - 1));
    r.level_words = blocks(r.keys, 32);
    words_ = Guarded<MergeWord>(int64_t{lists()} * r.levels * r.level_words);
    order_ = Guarded<RankedKey>(places());
    r.words = words_.data();
    r.order = order_.data();
    int const chunks = blocks(r.keys, SortKeys::kChunk);
    emulate<SortKeys>({p.scores, r, p.heads, chunks}, options, grid_of(lists() * chunks, 1));
    for (int level = SortKeys::kLevels + 1; level <= r.levels; ++level) {
      Guarded<RankedKey> const from = std::exchange(order_, Guarded<RankedKey>(places()));
      r.order = order_.data();
      MergeKeysParams const merge{const_cast<Guarded<RankedKey>&>(from).data(), r, level,
                                  blocks(r.keys, MergeKeys::kThreads)};
      emulate<MergeKeys>(merge, options, grid_of(lists() * merge.list_blocks, 1));
    }
    words_.expect_guards();
    order_.expect_guards();
  }

  float score(int64_t i) { return counted(scores_[i * c_.apart]); }

  /// Of one sequence, the keys `at` .. `at + keys - 1`: by row and key whether it is kept.
  void ask_rows(int64_t at, int keys, int queries, std::vector<std::pair<int, int>>& expected) {
    std::vector<int> better(static_cast<size_t>(keys), 0);
    int rivals = 0;
    for (int i = 0; i < queries; ++i) {
      int const seen = c_.causal ? std::clamp(i + keys - queries + 1, 0, keys) : keys;
      for (int const all = c_.rule == Rule::kShared ? keys : seen; rivals < all; ++rivals)
        for (int j = 0; j < keys; ++j)
          better[j] += score(at + rivals) > score(at + j) ||
                       (score(at + rivals) == score(at + j) && rivals < j);
      std::vector<char> kept(static_cast<size_t>(keys));
      for (int j = 0; j < rivals; ++j)
        kept[j] = c_.rule == Rule::kRelu ? score(at + j) > 0 : better[j] < c_.keep;
      if (c_.block > 0) smooth(kept);
      for (int j = 0; j < seen; ++j) {
        if (!kept[j]) continue;
        auto& [first, end] = expected[static_cast<size_t>(at + j)];
        if (end == 0) first = i;
        expect(end == 0 || end == i, "rows that keep a key are one run");
        end = i + 1;
      }
    }
  }

  void smooth(std::vector<char>& kept) const {
    for (size_t begin = 0; begin < kept.size(); begin += static_cast<size_t>(c_.block)) {
      auto const from = kept.begin() + static_cast<std::ptrdiff_t>(begin);
      auto const to = from + std::min<std::ptrdiff_t>(c_.block, kept.end() - from);
      bool const most = 2 * std::count(from, to, 1) > to - from;
      std::fill(from, to, most);
    }
  }

  SelectionCase const c_;
  Guarded<float> scores_;
  Guarded<int32_t> intervals_;
  Guarded<MergeWord> words_;
  Guarded<RankedKey> order_;
};

TEST(kernels_selection_is_that_of_every_row) {
  for (SelectionCase const& c : kCases)
    for (ScoreKind const& kind : kScoreKinds)
      for_some_schedules([&](EmulationOptions const& options) {
        SelectionCall call(c, kind);
        call.run(options);
        call.expect_results(std::string(c.name) + ", " + kind.name);
      });
}

TEST(kernels_selection_searches_a_merged_place_in_few_steps) {
  constexpr int kLevel = 12, kSize = (1 << kLevel) - 5;
  for (ScoreKind const& kind : kScoreKinds) {
    std::mt19937 generator(3);
    std::vector<float> halves(kSize);
    for (int i = 0; i < kSize; ++i) halves[i] = counted(kind.of(generator, i));
    for (int const from : {0, 1 << (kLevel - 1)})
      std::stable_sort(halves.begin() + from,
                       from == 0 ? halves.begin() + (1 << (kLevel - 1)) : halves.end(),
                       std::greater<>());
    for (int place = 0; place < kSize; ++place) {
      int compared = 0;
      auto const score = [&](int32_t i) { return ++compared, halves[static_cast<size_t>(i)]; };
      from_first_before(merge_node(kLevel, place, kSize), score);
      expect(compared <= 2 * kLevel, kind.name);
    }
  }
}

// Three chunks and a piece, which two more levels merge.
TEST(kernels_selection_of_more_keys_than_a_chunk) {
  SelectionCase const kLarge[] = {
      {"one sequence", 1, 2, 2100, 3300, 700},
      packed({"packed", 1, 1, 3300, 3300, 150}, {0, 1500, 3200}, {0, 1030, 3100}),
      {"blocks", 1, 1, 3300, 3300, 1200, true, Rule::kPerQuery, 64},
  };
  for (SelectionCase const& c : kLarge)
    for (ScoreKind const& kind : kScoreKinds) {
      SelectionCall call(c, kind);
      call.run({});
      call.expect_results(std::string(c.name) + ", " + kind.name);
    }
}

}  // namespace
}  // namespace fattn::test
