#pragma once

// A call of the prologue of compressed convolutional attention on the emulator, and the same in
// plain loops in double.

#include "kernels/compressed_conv/mma16/kernel.h"
#include "kernels/compressed_conv/prepare.h"
#include "kernels/compressed_conv/prologue.h"
#include "kernels_compressed_conv_case.h"
#include "kernels_fixture.h"

namespace fattn::test {

/// What is left of a number that is made of two of T.
template <class T>
constexpr double kSplitUnit = kUnit<T> * kUnit<T> / 4;

/// kGap: elements between rows.
template <class Element, int kGap = 3>
struct ConvCall {
  ConvCase const& c;
  Guarded<Element> latent, value, delayed, history, delayed_history, w1, w2, b2, delayed_bias;
  Guarded<float> b1, temperature;
  Guarded<Element> q, k, v, next_history, next_delayed;
  Guarded<float> in_use;
  std::vector<double> frequencies;
  double split = 0;  // error of a y, as a part of it, that the path adds to those of float32

  explicit ConvCall(ConvCase const& c) : c(c) {
    int const t = c.all_tokens(), n = c.sequences;
    latent = random_elements<Element>(t * row(c.channels()), 1);
    value = random_elements<Element>(t * row(c.half()), 2);
    delayed = random_elements<Element>(t * row(c.half()), 3);
    history = random_elements<Element>(n * c.halo() * row(c.channels()), 4);
    delayed_history = random_elements<Element>(n * row(c.half()), 5);
    w1 = random_elements<Element>(c.channels() * c.taps_1, 6);
    b1 = random_elements<float>(c.channels(), 7);
    w2 = random_elements<Element>(c.channels() * c.d * c.taps_2, 8);
    b2 = random_elements<Element>(c.channels(), 9);
    temperature = random_elements<float>(c.heads_kv, 10);
    delayed_bias = random_elements<Element>(c.half(), 11);
    q = Guarded<Element>(t * c.heads_q * row(c.d));
    k = Guarded<Element>(t * c.heads_kv * row(c.d));
    v = Guarded<Element>(t * c.heads_kv * row(c.d));
    next_history = Guarded<Element>(n * c.halo() * row(c.channels()));
    next_delayed = Guarded<Element>(n * row(c.half()));
    in_use = Guarded<float>(t);
    for (int p = 0; p < c.pairs; ++p) frequencies.push_back(std::pow(100.0, -double(p) / c.pairs));
  }

  static int64_t row(int width) { return width + kGap; }
  ConvTokens tokens(Guarded<Element>& from, int width) const {
    return {from.data(), c.packed() ? 0 : c.tokens * row(width), row(width)};
  }
  TensorRows rows(Guarded<Element>& to, int heads) const {
    return {to.data(), c.packed() ? 0 : c.tokens * heads * row(c.d), heads * row(c.d), row(c.d)};
  }

  CompressedConvParams params() {
    CompressedConvParams p{};
    p.latent = tokens(latent, c.channels());
    p.value = tokens(value, c.half());
    p.delayed = tokens(delayed, c.half());
    if (c.history) {
      p.history = {history.data(), c.halo() * row(c.channels()), row(c.channels())};
      p.delayed_history = {delayed_history.data(), row(c.half()), 0};
    }
    bool const is_f32 = std::is_same_v<Element, float>;
    p.w1 = {w1.data(), is_f32};
    p.w2 = {w2.data(), is_f32};
    p.temperature = {temperature.data(), true};
    if (c.biases) {
      p.b1 = {b1.data(), true};
      p.b2 = {b2.data(), is_f32};
      p.delayed_bias = {delayed_bias.data(), is_f32};
    }
    p.temperature_mode = c.mode;
    p.q = rows(q, c.heads_q), p.k = rows(k, c.heads_kv), p.v = rows(v, c.heads_kv);
    p.in_use = c.packed() ? nullptr : in_use.data();
    p.in_use_sequence = c.tokens, p.in_use_token = 1;
    if (!c.packed()) {
      p.next_history = next_history.data();
      p.next_history_sequence = c.halo() * row(c.channels());
      p.next_history_token = row(c.channels());
      p.next_delayed = next_delayed.data();
      p.next_delayed_sequence = row(c.half());
    }
    p.cu_seq_lens = c.packed() ? c.starts.data() : nullptr;
    p.lengths = c.lengths.empty() ? nullptr : c.lengths.data();
    p.cu_stride = p.length_stride = 1;
    p.sequences = c.sequences, p.tokens = c.tokens;
    p.heads_q = c.heads_q, p.heads_kv = c.heads_kv, p.head_dim = c.d;
    p.taps_1 = c.taps_1, p.taps_2 = c.taps_2;
    p.positions = {c.positions.empty() ? nullptr : c.positions.data(), c.packed() ? 0 : c.tokens, 1,
                   c.offset};
    p.pairs = c.pairs, p.frequencies = frequencies.data();
    p.cos_factor = 1.25, p.sin_factor = 1.25;
    p.from_step = p.to_step = c.halves ? 1 : 2;
    p.from_apart = p.to_apart = c.halves ? c.pairs : 1;
    return p;
  }

  void run(EmulationOptions const& options, bool by_head = false) {
    using Kernel = CompressedConv<Element>;
    CompressedConvParams p = params();
    p.by_head = by_head;
    p.tile_tokens = Kernel::tile_tokens(c.d, c.pairs, c.taps_2);
    p.outputs = ConvShared::outputs_of(c.d, c.pairs, c.taps_2);
    launch<Kernel>(p, by_head ? c.heads_q + c.heads_kv : c.heads_kv, options);
  }

  /// On tensor cores.
  template <int kHeadDim>
  void run_mma16(EmulationOptions const& options) {
    using Kernel = Mma16CompressedConv<Element, kHeadDim>;
    using Prepare = CompressedConvPrepare<Element>;
    CompressedConvParams p = params();
    expect(in_quads(p), c.name);
    p.tile_tokens = Kernel::kTileTokens;
    Guarded<Element> ready(w2.size());
    int64_t const rows = c.positions.empty() ? c.tokens : c.all_tokens();
    Guarded<ConvTurn> turns(rows * c.pairs);
    CompressedConvPrepareParams prepare{};
    prepare.w2 = w2.data(), prepare.ready_w2 = ready.data();
    prepare.channels = c.channels(), prepare.head_dim = c.d, prepare.taps_2 = c.taps_2;
    prepare.w2_blocks = grid_of(c.channels() * c.d, Prepare::kThreads).x;
    prepare.positions = p.positions;
    prepare.rows = rows, prepare.tokens = c.tokens, prepare.pairs = c.pairs;
    prepare.frequencies = p.frequencies, prepare.turns = turns.data();
    prepare.cos_factor = p.cos_factor, prepare.sin_factor = p.sin_factor;
    int64_t const threads = prepare.w2_blocks * Prepare::kThreads + rows * c.pairs;
    emulate<Prepare>(prepare, options, grid_of(threads, Prepare::kThreads));
    ready.expect_guards();
    turns.expect_guards();
    p.ready_w2 = ready.data(), p.turns = turns.data();
    p.turn_batch = p.positions.batch;
    launch<Kernel>(p, c.heads_q + c.heads_kv, options);
    split = kSplitUnit<Element>;
  }

  template <class Kernel>
  void launch(CompressedConvParams const& p, int heads, EmulationOptions const& options) {
    int64_t const tile = p.tile_tokens;
    int64_t const each = std::max<int64_t>(1, (c.tokens + tile - 1) / tile);
    int64_t const tiles =
        c.packed() ? (c.tokens + tile - 1) / tile + c.sequences + 1 : c.sequences * each;
    emulate<Kernel>(p, options, grid_of(tiles * heads, 1));
    for (auto* out : {&q, &k, &v, &next_history, &next_delayed}) out->expect_guards();
    in_use.expect_guards();
  }

  // ---- The same in double ----

  static double number(Guarded<Element>& from, int64_t at) { return simt::to_float(from[at]); }

  struct Sequence {
    int number, first, tokens, rows;
  };
  std::vector<Sequence> sequences() const {
    std::vector<Sequence> all;
    for (int n = 0; n < c.sequences; ++n) {
      if (!c.packed())
        all.push_back({n, n * c.tokens, c.lengths.empty() ? c.tokens : c.lengths[n], c.tokens});
      else
        all.push_back(
            {n, c.starts[n], c.starts[n + 1] - c.starts[n], c.starts[n + 1] - c.starts[n]});
    }
    if (c.packed()) all.push_back({0, c.starts.back(), 0, c.tokens - c.starts.back()});
    return all;
  }

  double u(Sequence const& s, int t, int channel) {
    if (t >= 0) return number(latent, (s.first + t) * row(c.channels()) + channel);
    int const at = c.halo() + t;
    if (!c.history || at < 0) return 0;
    return number(history, (s.number * c.halo() + at) * row(c.channels()) + channel);
  }

  /// `sizes`: the largest sum of the products' absolute values.
  std::vector<double> z_and_mean(Sequence const& s, int t, int head, double& sizes) {
    std::vector<double> z;
    int const group = c.heads_q / c.heads_kv;
    for (int o = 0; o < c.d; ++o) {
      int const channel = head * c.d + o;
      double sum = c.biases ? number(b2, channel) : 0, size = 0;
      for (int e = 0; e < c.d; ++e)
        for (int r = 0; r < c.taps_2; ++r) {
          int const from = head * c.d + e;
          double y = c.biases ? double{b1[from]} : 0;
          for (int r1 = 0; r1 < c.taps_1; ++r1)
            y += number(w1, from * c.taps_1 + r1) *
                 u(s, t - (c.taps_2 - 1) + r - (c.taps_1 - 1) + r1, from);
          double const product = number(w2, (channel * c.d + e) * c.taps_2 + r) * y;
          sum += product, size += std::fabs(product);
        }
      sizes = std::max(sizes, size);
      if (head < c.heads_q) {
        sum += (u(s, t, channel) + u(s, t, (c.heads_q + head / group) * c.d + o)) / 2;
      } else {
        double queries = 0;
        for (int h = 0; h < group; ++h)
          queries += u(s, t, ((head - c.heads_q) * group + h) * c.d + o);
        sum += (queries / group + u(s, t, channel)) / 2;
      }
      z.push_back(sum);
    }
    return z;
  }

  /// `slack`: what an element may err by because y is split.
  std::vector<double> expected_row(Sequence const& s, int t, int head, double& slack) {
    double norm = 0, factor = 1, sizes = 0;
    std::vector<double> x = z_and_mean(s, t, head, sizes);
    for (double const e : x) norm += e * e;
    if (head >= c.heads_q) {
      double const given = temperature[head - c.heads_q];
      factor = c.mode == ConvTemperature::kRaw   ? given
               : c.mode == ConvTemperature::kExp ? std::exp(given)
                                                 : std::exp(std::min(std::max(given, 1e-7), 2.0));
    }
    double const scale = factor * std::sqrt(double(c.d)) / std::sqrt(norm + 1e-12);
    for (double& e : x) e *= scale;
    slack = 2 * 1.25 * split * sizes * std::fabs(scale);  // of two elements, turned
    int const at = s.first + t;
    double const position = double(c.offset + (c.positions.empty() ? t : c.positions[at]));
    std::vector<double> turned = x;
    for (int p = 0; p < c.pairs; ++p) {
      double const cos = 1.25 * std::cos(position * frequencies[p]);
      double const sin = 1.25 * std::sin(position * frequencies[p]);
      int const a = c.halves ? p : 2 * p, b = c.halves ? p + c.pairs : 2 * p + 1;
      turned[a] = x[a] * cos - x[b] * sin;
      turned[b] = x[b] * cos + x[a] * sin;
    }
    return turned;
  }

  double expected_value(Sequence const& s, int t, int at) {
    if (at < c.half()) return number(value, (s.first + t) * row(c.half()) + at);
    at -= c.half();
    if (t > 0) return number(delayed, (s.first + t - 1) * row(c.half()) + at);
    if (c.history) return number(delayed_history, s.number * row(c.half()) + at);
    return c.biases ? number(delayed_bias, at) : 0;
  }

  void expect_row(Guarded<Element>& out, int64_t at, std::vector<double> const& expected,
                  double slack) {
    for (int e = 0; e < c.d; ++e)
      expect_near(number(out, at + e), expected[e],
                  4e-6 + slack + kUnit<Element> * std::fabs(expected[e]), c.name);
    for (int e = c.d; e < row(c.d); ++e) expect(out.fresh(at + e), "a gap was written");
  }

  void expect_head(Guarded<Element>& out, int64_t at, Sequence const& s, int t, int head) {
    std::vector<double> expected(c.d);
    double slack = 0;
    if (t < s.tokens) expected = expected_row(s, t, head, slack);
    expect_row(out, at, expected, slack);
  }

  void expect_all() {
    for (Sequence const& s : sequences())
      for (int t = 0; t < s.rows; ++t) {
        bool const used = t < s.tokens;
        for (int h = 0; h < c.heads_q; ++h)
          expect_head(q, ((s.first + t) * c.heads_q + h) * row(c.d), s, t, h);
        for (int g = 0; g < c.heads_kv; ++g) {
          int64_t const at = ((s.first + t) * c.heads_kv + g) * row(c.d);
          expect_head(k, at, s, t, c.heads_q + g);
          for (int e = 0; e < c.d; ++e)
            expect(number(v, at + e) == (used ? expected_value(s, t, g * c.d + e) : 0), c.name);
        }
        if (!c.packed()) expect(in_use[s.first + t] == (used ? 1.0f : 0.0f), "in use");
      }
    if (!c.packed()) expect_passed_on();
  }

  void expect_passed_on() {
    for (Sequence const& s : sequences()) {
      for (int i = 0; i < c.halo(); ++i)
        for (int ch = 0; ch < c.channels(); ++ch)
          expect(number(next_history, (s.number * c.halo() + i) * row(c.channels()) + ch) ==
                     u(s, s.tokens - c.halo() + i, ch),
                 "history");
      for (int e = 0; e < c.half(); ++e)
        expect(number(next_delayed, s.number * row(c.half()) + e) ==
                   expected_value(s, s.tokens, c.half() + e),
               "delayed");
    }
  }
};

}  // namespace fattn::test
