#pragma once

// An attention call for the GPU kernels, and the same in plain loops in double.

#include <optional>

#include "kernels/attention/combine.h"
#include "kernels/attention/prepare.h"
#include "kernels/attention/schedule.h"
#include "kernels_fixture.h"

namespace fattn::test {

struct AttentionCase {
  char const* name;
  int batch, seq_q, seq_kv, heads, heads_kv, head_dim, head_dim_v;
  bool causal = false;
  int left = -1, right = -1, sink_tokens = 0;
  float softcap = 0;
  bool everything = false;  // bias, mask, segments, temperature, gate, learned sinks, slopes
  int chunk_keys = 0;       // 0: one chunk
  int pack = 1;
  std::vector<int> lengths_q = {}, lengths_k = {};  // of a packed batch, which may hold more tokens
  std::vector<int> kv_lengths = {}, prefixes = {};

  bool packed() const { return !lengths_q.empty(); }
};

/// All tensors have gaps of kGap elements between their rows. Index tensors go through
/// PrepareIndices.
template <class Element, int kGap = 3>
class AttentionCall {
 public:
  explicit AttentionCall(AttentionCase const& c) : c_(c) {
    tokens_q_ = c.packed() ? c.seq_q : c.batch * c.seq_q;
    tokens_k_ = c.packed() ? c.seq_kv : c.batch * c.seq_kv;
    q = random_elements<Element>(tokens_q_ * c.heads * row(c.head_dim), 1);
    k = random_elements<Element>(tokens_k_ * c.heads_kv * row(c.head_dim), 2);
    v = random_elements<Element>(tokens_k_ * c.heads_kv * row(c.head_dim_v), 3);
    out = Guarded<Element>(tokens_q_ * c.heads * row(c.head_dim_v));
    lse = Guarded<float>(c.heads * tokens_q_);
    if (c.everything) make_options();
    describe();
  }

  /// Checks the indices, runs `Kernel` over the tiles and Combine after it.
  template <class Kernel>
  void run(EmulationOptions const& options) {
    prepare(options);
    p.pack = c_.pack;
    p.chunks = c_.chunk_keys > 0 ? (c_.seq_kv + c_.chunk_keys - 1) / c_.chunk_keys : 1;
    p.chunk_keys = c_.chunk_keys > 0 ? c_.chunk_keys : INT32_MAX;
    p.row_tiles = static_cast<int32_t>(
        c_.packed() ? most_row_tiles(c_.seq_q, p.sequences, c_.pack, Kernel::kTileRows)
                    : (c_.seq_q * c_.pack + Kernel::kTileRows - 1) / Kernel::kTileRows);
    int64_t const rows = tokens_q_ * c_.heads;
    if (p.chunks > 1) {
      partial_out_ = Guarded<float>(rows * p.chunks * c_.head_dim_v);
      partial_state_ = Guarded<float>(rows * p.chunks * 2);
      p.partial_out = partial_out_.data();
      p.partial_state = partial_state_.data();
    }
    int64_t const blocks =
        int64_t{p.row_tiles} * p.chunks * (c_.heads / c_.pack) * (c_.packed() ? 1 : c_.batch);
    emulate<Kernel>(p, options, grid_of(blocks, 1));
    if (p.chunks > 1) {
      using Combine = CombineAttention<Element>;
      emulate<Combine>(p, options, grid_of(rows, Combine::kRows));
    }
    out.expect_guards();
    lse.expect_guards();
    partial_out_.expect_guards();
    partial_state_.expect_guards();
  }

  void expect_results() {
    int first_q = 0, first_k = 0;
    for (int b = 0; b < sequences(); ++b) {
      int const seq_q = c_.packed() ? c_.lengths_q[b] : c_.seq_q;
      int const capacity = c_.packed() ? c_.lengths_k[b] : c_.seq_kv;
      int const seq_kv = c_.kv_lengths.empty() ? capacity : c_.kv_lengths[b];
      for (int i = 0; i < seq_q; ++i)
        for (int h = 0; h < c_.heads; ++h) expect_row(b, first_q, i, seq_q, first_k, seq_kv, h);
      first_q += seq_q, first_k += capacity;
    }
    for (; first_q < tokens_q_; ++first_q)  // they belong to no sequence and see nothing
      for (int h = 0; h < c_.heads; ++h) expect_row(b_last(), first_q, 0, 1, first_k, 0, h);
  }

  /// Whether any row sees the key; hostile tests poison the others.
  bool seen(int b, int key, int head_kv) const {
    int const group = c_.heads / c_.heads_kv;
    for (int h = head_kv * group; h < (head_kv + 1) * group; ++h)
      for (int i = 0; i < c_.seq_q; ++i)
        if (visible(b, 0, i, c_.seq_q, 0, keys_of(b), key)) return true;
    return false;
  }
  int keys_of(int b) const { return c_.kv_lengths.empty() ? c_.seq_kv : c_.kv_lengths[b]; }
  static int row(int dim) { return dim + kGap; }

  Guarded<Element> q, k, v, out;
  Guarded<float> lse;
  AttentionParams p{};
  IndexReport report{};
  bool rounds_weights = false;  // to Element, before they are multiplied with values

 private:
  int sequences() const { return c_.packed() ? static_cast<int>(c_.lengths_q.size()) : c_.batch; }
  int b_last() const { return sequences() - 1; }

  void make_options() {
    bias_ = random_elements<float>(int64_t{c_.heads} * c_.seq_q * c_.seq_kv, 4);
    temperature_ = random_elements<float>(c_.heads * tokens_q_, 5);
    gate_ = random_elements<float>(c_.heads * tokens_q_, 6);
    sinks_ = random_elements<float>(c_.heads, 7);
    slopes_ = random_elements<float>(c_.heads, 8);
    mask_ = Guarded<uint8_t>(int64_t{c_.batch} * c_.seq_q * c_.seq_kv);
    for (int64_t i = 0; i < mask_.size(); ++i) mask_[i] = i % 5 != 0;
    segments_q_ = Guarded<int32_t>(tokens_q_);
    segments_k_ = Guarded<int32_t>(tokens_k_);
    for (int64_t i = 0; i < tokens_q_; ++i) segments_q_[i] = i % 3 == 0;
    for (int64_t i = 0; i < tokens_k_; ++i) segments_k_[i] = i % 2 == 0;
  }

  void describe() {
    auto rows = [&](Guarded<Element>& t, int seq, int heads, int dim) {
      int64_t const token = int64_t{heads} * row(dim);
      return TokenRows{t.data(), c_.packed() ? 0 : seq * token, token, row(dim), heads};
    };
    auto values = [&](Guarded<float>& t) {
      return RowValues{t.data(), c_.packed() ? 0 : c_.seq_q, tokens_q_, 1};
    };
    p.q = rows(q, c_.seq_q, c_.heads, c_.head_dim);
    p.k = rows(k, c_.seq_kv, c_.heads_kv, c_.head_dim);
    p.v = rows(v, c_.seq_kv, c_.heads_kv, c_.head_dim_v);
    p.out = rows(out, c_.seq_q, c_.heads, c_.head_dim_v);
    p.lse = values(lse);
    p.sequences = sequences() + (c_.packed() ? 1 : 0);
    p.batch = sequences();
    p.seq_q = c_.seq_q, p.seq_kv = c_.seq_kv, p.heads_out = c_.heads;
    p.head_dim = c_.head_dim, p.head_dim_v = c_.head_dim_v;
    p.scale = scale();
    p.softcap = c_.softcap, p.causal = c_.causal;
    p.window_left = c_.left, p.window_right = c_.right, p.sink_tokens = c_.sink_tokens;
    if (!c_.everything) return;
    p.temperature = values(temperature_);
    p.gate = values(gate_);
    int64_t const pairs = int64_t{c_.seq_q} * c_.seq_kv;
    p.bias = {bias_.data(), 0, pairs, c_.seq_kv, 1, ScalarType::kF32};
    p.mask = {mask_.data(), pairs, 0, c_.seq_kv, 1, ScalarType::kU8};
    p.sinks = sinks_.data(), p.sink_stride = 1;
    p.slopes = slopes_.data(), p.slope_head = 1;
    p.segments_q = segments_q_.data(), p.segment_batch_q = c_.seq_q, p.segment_row_q = 1;
    p.segments_k = segments_k_.data(), p.segment_batch_k = c_.seq_kv, p.segment_row_k = 1;
  }

  void prepare(EmulationOptions const& options) {
    PrepareParams prepare{};
    auto add = [&](IndexTensor which, std::vector<int> const& values, int32_t const*& copy) {
      if (values.empty()) return;
      int const t = static_cast<int>(which);
      sources_[t] = values;
      copies_[t] = Guarded<int32_t>(static_cast<int64_t>(values.size()) + 1);
      prepare.tensors[t] = {sources_[t].data(), 1, static_cast<int32_t>(values.size()),
                            copies_[t].data()};
      copy = copies_[t].data();
    };
    if (c_.packed()) {
      add(IndexTensor::kCuSeqLensQ, starts(c_.lengths_q), p.indices.starts_q);
      add(IndexTensor::kCuSeqLensK, starts(c_.lengths_k), p.indices.starts_k);
    }
    add(IndexTensor::kKvLengths, c_.kv_lengths, p.indices.kv_lengths);
    add(IndexTensor::kPrefixLengths, c_.prefixes, p.indices.prefixes);
    prepare.seq_q = c_.seq_q, prepare.seq_kv = c_.seq_kv;
    prepare.report = &report;
    emulate<PrepareIndices>(prepare, options);
    expect_equal(report.failed, 0, "indices");
  }

  static std::vector<int> starts(std::vector<int> const& lengths) {
    std::vector<int> result{0};
    for (int length : lengths) result.push_back(result.back() + length);
    return result;
  }

  float scale() const { return 0.7f / std::sqrt(static_cast<float>(c_.head_dim)); }

  bool visible(int b, int first_q, int i, int seq_q, int first_k, int seq_kv, int j) const {
    int const aligned = i + seq_kv - seq_q;
    int const prefix = c_.prefixes.empty() ? 0 : c_.prefixes[b];
    if (j >= seq_kv) return false;
    if (c_.causal && j > aligned && !(aligned < prefix && j < prefix)) return false;
    bool const inside =
        (c_.left < 0 || j >= aligned - c_.left) && (c_.right < 0 || j <= aligned + c_.right);
    if (!inside && j >= c_.sink_tokens) return false;
    if (!c_.everything) return true;
    int const token_q = c_.packed() ? first_q + i : b * c_.seq_q + i;
    int const token_k = c_.packed() ? first_k + j : b * c_.seq_kv + j;
    return (token_q % 3 == 0) == (token_k % 2 == 0) &&
           ((int64_t{b} * c_.seq_q + i) * c_.seq_kv + j) % 5 != 0;
  }

  /// attention-variants 1.1.
  void expect_row(int b, int first_q, int i, int seq_q, int first_k, int seq_kv, int h) {
    int64_t const token = first_q + i;
    int const head_kv = h * c_.heads_kv / c_.heads;
    auto at = [&](Guarded<Element>& t, int64_t s, int heads, int head, int dim, int e) {
      return double{simt::to_float(t[(s * heads + head) * row(dim) + e])};
    };
    std::vector<std::optional<double>> scores(seq_kv);
    double most = c_.everything ? sinks_[h] : -INFINITY, sum = 0;
    for (int j = 0; j < seq_kv; ++j) {
      if (!visible(b, first_q, i, seq_q, first_k, seq_kv, j)) continue;
      double x = 0;
      for (int e = 0; e < c_.head_dim; ++e)
        x += at(q, token, c_.heads, h, c_.head_dim, e) *
             at(k, first_k + j, c_.heads_kv, head_kv, c_.head_dim, e);
      x *= scale();
      if (c_.everything) x *= temperature_[h * tokens_q_ + token];
      if (c_.softcap > 0) x = c_.softcap * std::tanh(x / c_.softcap);
      if (c_.everything) {
        x += bias_[(int64_t{h} * c_.seq_q + i) * c_.seq_kv + j];
        x -= double{slopes_[h]} * std::abs(i + seq_kv - seq_q - j);
      }
      scores[j] = x;
      most = std::max(most, x);
    }
    if (c_.everything) sum = std::exp(sinks_[h] - most);
    for (auto const& x : scores) sum += x ? std::exp(*x - most) : 0;
    double const expected_lse = sum == 0 ? -INFINITY : most + std::log(sum);
    expect_near(lse[h * tokens_q_ + token], expected_lse, 2e-5, c_.name);
    double const gate = c_.everything ? gate_[h * tokens_q_ + token] : 1;
    for (int e = 0; e < c_.head_dim_v; ++e) {
      double expected = 0, sizes = 0;
      for (int j = 0; j < seq_kv; ++j) {
        if (!scores[j]) continue;
        double const part = std::exp(*scores[j] - expected_lse) *
                            at(v, first_k + j, c_.heads_kv, head_kv, c_.head_dim_v, e);
        expected += part, sizes += std::fabs(part);
      }
      expected *= gate, sizes *= std::fabs(gate);
      double tolerance = 1e-5 + kUnit<Element> * std::fabs(expected);
      if (rounds_weights) tolerance += kUnit<Element> / 2 * sizes;
      if (!std::isfinite(expected)) tolerance = 0;  // that itself, and nothing else
      expect_near(at(out, token, c_.heads, h, c_.head_dim_v, e), expected, tolerance, c_.name);
    }
    for (int e = c_.head_dim_v; e < row(c_.head_dim_v); ++e)
      expect(out.fresh((token * c_.heads + h) * row(c_.head_dim_v) + e), "a gap was written");
  }

  AttentionCase const c_;
  int64_t tokens_q_, tokens_k_;
  Guarded<float> bias_, temperature_, gate_, sinks_, slopes_, partial_out_, partial_state_;
  Guarded<uint8_t> mask_;
  Guarded<int32_t> segments_q_, segments_k_;
  std::vector<int32_t> sources_[static_cast<int>(IndexTensor::kCount)];
  Guarded<int32_t> copies_[static_cast<int>(IndexTensor::kCount)];
};

}  // namespace fattn::test
