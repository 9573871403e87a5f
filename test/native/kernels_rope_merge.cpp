// Rope and the merge of attention states, against plain loops in double and the CPU's frequencies.

#include "core/ops/rope.h"
#include "kernels/elementwise/merge.h"
#include "kernels/elementwise/rope_frequencies.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

struct RopeCase {
  int dim, pairs;
  bool reads_halves, writes_halves;
  bool in_place = false;
  int64_t offset = 0;
};

template <class Element>
void expect_rotated(RopeCase const& c, EmulationOptions const& options) {
  constexpr int kBatch = 2, kTokens = 3, kHeads = 10, kGap = 3;
  int const row = c.dim + kGap;
  auto x = random_elements<Element>(kBatch * kTokens * kHeads * row, 1);
  auto const original = x;
  auto source = original;
  Guarded<Element> fresh(x.size());
  Guarded<Element>& out = c.in_place ? x : fresh;
  std::vector<int32_t> const positions = {0, 5, 100000, 7, 2147483647, 12};
  std::vector<double> frequencies;
  for (int t = 0; t < c.pairs; ++t) frequencies.push_back(std::pow(1e4, -double(t) / c.pairs));

  RopeParams p{};
  p.x = {x.data(), int64_t{kTokens} * kHeads * row, int64_t{kHeads} * row, row};
  p.out = {out.data(), int64_t{kTokens} * kHeads * row, int64_t{kHeads} * row, row};
  p.positions = {positions.data(), kTokens, 1, c.offset};
  p.batch = kBatch, p.tokens = kTokens, p.heads = kHeads, p.dim = c.dim, p.pairs = c.pairs;
  p.frequencies = frequencies.data();
  p.cos_factor = 1.25, p.sin_factor = -1.25;
  p.from_step = c.reads_halves ? 1 : 2, p.from_apart = c.reads_halves ? c.pairs : 1;
  p.to_step = c.writes_halves ? 1 : 2, p.to_apart = c.writes_halves ? c.pairs : 1;
  using Kernel = Rope<Element>;
  emulate<Kernel>(p, options, grid_of(kBatch * kTokens * 2, Kernel::kWarps));
  out.expect_guards();

  for (int r = 0; r < kBatch * kTokens * kHeads; ++r) {
    double const position = static_cast<double>(positions[r / kHeads] + c.offset);
    auto in = [&](int e) { return double{simt::to_float(source[r * row + e])}; };
    std::vector<double> expected;
    for (int e = 0; e < c.dim; ++e) expected.push_back(in(e));
    for (int t = 0; t < c.pairs; ++t) {
      double const angle = position * frequencies[t];
      double const cos = 1.25 * std::cos(angle), sin = -1.25 * std::sin(angle);
      double const u = in(c.reads_halves ? t : 2 * t);
      double const w = in(c.reads_halves ? t + c.pairs : 2 * t + 1);
      expected[c.writes_halves ? t : 2 * t] = u * cos - w * sin;
      expected[c.writes_halves ? t + c.pairs : 2 * t + 1] = w * cos + u * sin;
    }
    for (int e = 0; e < c.dim; ++e)
      expect_near(simt::to_float(out[r * row + e]), expected[e],
                  1e-6 + kUnit<Element> * std::fabs(expected[e]));
    for (int e = c.dim; e < row && !c.in_place; ++e)
      expect(out.fresh(r * row + e), "a gap was written");
  }
}

// Passes are 128 pairs.
TEST(kernels_rope_turns_pairs) {
  for (RopeCase const& c :
       {RopeCase{12, 6, true, true}, RopeCase{13, 4, false, false}, RopeCase{13, 4, false, true},
        RopeCase{300, 140, true, true}, RopeCase{300, 140, false, true},
        RopeCase{12, 6, true, true, true}, RopeCase{256, 128, false, true, true},
        RopeCase{300, 140, false, false, true}, RopeCase{8, 4, true, true, false, int64_t{1} << 53},
        RopeCase{8, 4, true, true, false, -(int64_t{1} << 40)}})
    for_some_schedules([&](EmulationOptions const& options) {
      expect_rotated<float>(c, options);
      expect_rotated<F16>(c, options);
      expect_rotated<BF16>(c, options);
    });
}

RopeDesc dynamic_scaling(RopeScaling scaling) {
  RopeDesc desc;
  desc.rotary_dim = 64;
  desc.scaling = scaling;
  desc.factor = 4;
  desc.original_max = 100;
  for (int t = 0; t < 32; ++t) {
    desc.short_factors.push_back(1 + t);
    desc.long_factors.push_back(2 + 3 * t);
  }
  return desc;
}

TEST(kernels_rope_frequencies_follow_the_largest_position) {
  std::vector<int32_t> const positions = {3, -7, 50, 0, 20, 1};
  for (RopeScaling const scaling : {RopeScaling::kDynamicNtk, RopeScaling::kLongRope})
    for (int64_t const offset : {-1000, 0, 48, 49, 50, 900}) {
      RopeDesc desc = dynamic_scaling(scaling);
      std::vector<std::vector<double>> fixed;
      for (double length : {100.0, 101.0}) {
        desc.current_length = length;
        fixed.push_back(rope_frequencies(desc, 64).per_position);
      }
      desc.current_length = std::max<double>(0, static_cast<double>(50 + offset + 1));
      auto const expected = rope_frequencies(desc, 64).per_position;
      for_some_schedules([&](EmulationOptions const& options) {
        Guarded<double> frequencies(32);
        RopeFrequenciesParams p{};
        p.positions = {positions.data(), 3, 1, offset};
        p.batch = 2, p.tokens = 3, p.pairs = 32, p.rotary_dim = 64;
        p.original_max = desc.original_max;
        p.frequencies = frequencies.data();
        p.theta = desc.theta, p.factor = desc.factor;
        if (scaling == RopeScaling::kLongRope)
          p.within = fixed[0].data(), p.beyond = fixed[1].data();
        emulate<RopeFrequenciesByLength>(p, options);
        frequencies.expect_guards();
        for (int t = 0; t < 32; ++t) expect_equal(frequencies[t], expected[t]);
      });
    }
}

// Of tokens in use alone, given or not; what the device knows about them comes as numbers in
// memory.
TEST(kernels_rope_frequencies_look_at_tokens_in_use) {
  std::vector<int32_t> const positions = {3, 7, 500, 20, 900, 900}, lengths = {2, 1}, none = {0, 0};
  std::vector<int32_t> const cuts = {0, 1, 4};
  RopeDesc desc = dynamic_scaling(RopeScaling::kDynamicNtk);
  desc.original_max = 2;
  struct Row {
    char const* name;
    bool given;
    int32_t const *lengths, *cuts;
    double expected;
  };
  for (Row const& row : {Row{"index", false, nullptr, nullptr, 13},
                         {"lengths", false, lengths.data(), nullptr, 12},
                         {"packed", false, nullptr, cuts.data(), 13},
                         {"given, all", true, nullptr, nullptr, 911},
                         {"given, lengths", true, lengths.data(), nullptr, 31},
                         {"given, packed", true, nullptr, cuts.data(), 511},
                         {"nothing in use", true, none.data(), nullptr, 0}})
    for_some_schedules([&](EmulationOptions const& options) {
      desc.current_length = row.expected;
      auto const expected = rope_frequencies(desc, 64).per_position;
      Guarded<double> frequencies(32);
      RopeFrequenciesParams p{};
      p.positions = {row.given ? positions.data() : nullptr, 3, 1, 10};
      p.batch = row.cuts ? 1 : 2, p.tokens = row.cuts ? 6 : 3;
      p.lengths = row.lengths, p.cu_seq_lens = row.cuts, p.sequences = 2;
      p.pairs = 32, p.rotary_dim = 64;
      p.original_max = desc.original_max, p.theta = desc.theta, p.factor = desc.factor;
      p.frequencies = frequencies.data();
      emulate<RopeFrequenciesByLength>(p, options);
      frequencies.expect_guards();
      for (int t = 0; t < 32; ++t)
        expect_near(frequencies[t], expected[t], 1e-15 * expected[t], row.name);
    });
}

constexpr int kMergeBatch = 2, kMergeTokens = 3, kMergeHeads = 2, kMergeDim = 37;

/// Parts of an attention call, with weights [b, h, s] and a sink and a gate if asked for.
template <class Element>
struct MergeCall {
  std::vector<Guarded<Element>> outs;
  std::vector<Guarded<float>> weights;
  Guarded<Element> out{kMergeBatch * kMergeTokens * kMergeHeads * kMergeDim};
  Guarded<float> lse{kMergeBatch * kMergeHeads * kMergeTokens};
  Guarded<float> gate = random_elements<float>(kMergeBatch * kMergeHeads * kMergeTokens, 90);
  Guarded<float> sinks = random_elements<float>(kMergeHeads, 91);
  bool extras;

  explicit MergeCall(int parts, bool extras) : extras(extras) {
    for (int i = 0; i < parts; ++i) {
      outs.push_back(random_elements<Element>(out.size(), 10 + i));
      weights.push_back(random_elements<float>(lse.size(), 50 + i));
    }
  }

  void run(EmulationOptions const& options) {
    auto rows = [](Guarded<Element>& t) {
      constexpr int64_t kToken = int64_t{kMergeHeads} * kMergeDim;
      return TensorRows{t.data(), kMergeTokens * kToken, kToken, kMergeDim};
    };
    auto values = [](Guarded<float>& t) {
      return TensorRowValues{t.data(), kMergeHeads * kMergeTokens, kMergeTokens, 1};
    };
    MergeParams p{};
    std::vector<MergePartRows> further;
    for (size_t i = 0; i < outs.size(); ++i) {
      MergePartRows const part{rows(outs[i]), values(weights[i])};
      if (i < MergeParams::kInlineParts)
        p.first_parts[i] = part;
      else
        further.push_back(part);
    }
    p.further_parts = further.data();
    p.parts = static_cast<int32_t>(outs.size());
    p.out = rows(out), p.lse = values(lse);
    if (extras) p.gate = values(gate), p.sinks = sinks.data(), p.sink_stride = 1;
    p.batch = kMergeBatch, p.tokens = kMergeTokens, p.heads = kMergeHeads, p.dim = kMergeDim;
    using Kernel = MergeAttention<Element>;
    emulate<Kernel>(p, options, grid_of(lse.size(), Kernel::kRows));
    out.expect_guards();
    lse.expect_guards();
  }

  void expect_row(int b, int h, int s) {
    int const value = (b * kMergeHeads + h) * kMergeTokens + s;
    int const first = ((b * kMergeTokens + s) * kMergeHeads + h) * kMergeDim;
    auto weight = [&](size_t i) {
      return weights[i][value] == INFINITY ? 0 : std::exp(double{weights[i][value]});
    };
    double sum = extras ? std::exp(double{sinks[h]}) : 0;
    for (size_t i = 0; i < outs.size(); ++i) sum += weight(i);
    expect_near(lse[value], std::log(sum), 2e-6);
    for (int c = 0; c < kMergeDim; ++c) {
      double merged = 0;
      for (size_t i = 0; i < outs.size(); ++i)
        if (weight(i) > 0) merged += weight(i) / sum * simt::to_float(outs[i][first + c]);
      if (extras) merged *= gate[value];
      expect_near(simt::to_float(out[first + c]), merged,
                  2e-6 + kUnit<Element> * std::fabs(merged));
    }
  }

  void expect_all() {
    for (int b = 0; b < kMergeBatch; ++b)
      for (int h = 0; h < kMergeHeads; ++h)
        for (int s = 0; s < kMergeTokens; ++s) expect_row(b, h, s);
  }
};

template <class Element>
void expect_merged() {
  for (int const parts : {1, 2, 16, 19})
    for (bool const extras : {false, true})
      for_some_schedules([&](EmulationOptions const& options) {
        MergeCall<Element> call(parts, extras);
        call.weights[0][0] = -INFINITY;  // an empty part, the only one where there is one
        call.weights[0][1] = INFINITY;   // and as other libraries mark it
        for (int c = 0; c < kMergeDim; ++c)
          for (int token : {0, 1})
            call.outs[0][token * kMergeHeads * kMergeDim + c] = simt::round_to<Element>(NAN);
        call.run(options);
        call.expect_all();
      });
}

TEST(kernels_merge_float32) { expect_merged<float>(); }
TEST(kernels_merge_float16) { expect_merged<F16>(); }
TEST(kernels_merge_bfloat16) { expect_merged<BF16>(); }

TEST(kernels_merge_lets_nan_win) {
  for (int const part : {0, 1, 2}) {
    MergeCall<float> call(3, false);
    call.weights[part][0] = NAN;
    call.run({});
    expect(std::isnan(call.lse[0]) && std::isnan(call.out[0]), "the row must be NaN");
    expect(!std::isnan(call.lse[1]), "the next must not");
  }
}

}  // namespace
}  // namespace fattn::test
