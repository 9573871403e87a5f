#include "backends/cpu/compressed_conv/planner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "backends/cpu/element_types.h"
#include "core/error.h"
#include "kernels/elementwise/sincos.h"

namespace fattn::cpu {
namespace {

constexpr int64_t kLeastTasks = 16;  // per thread, where there are heads enough to cut

/// [b, s, …] or packed [t, …]: strides of the axes in front of the last.
ConvRows rows_of(TensorView const& view, bool packed) {
  ConvRows rows;
  if (!view.defined()) return rows;
  int const first = packed ? 0 : 1;
  rows.data = view.bytes();
  rows.sequence = packed ? 0 : view.strides[0];
  rows.token = view.strides[first];
  rows.head = view.rank() > first + 2 ? view.strides[first + 1] : 0;
  return rows;
}

std::vector<float> widened(TensorView const& view) {
  std::vector<float> values(static_cast<size_t>(view.elements()));
  with_float_type(view.dtype, [&](auto type) {
    auto const* const from = view.data<decltype(type)>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = to_f32(from[i]);
  });
  return values;
}

/// The floats of a parameter: its own where it has them, else a copy in `kept`; zeros if absent.
float const* floats_of(TensorView const& view, int64_t count, std::vector<float>& kept) {
  if (view.defined() && view.dtype == DType::f32) return view.data<float>();
  kept = view.defined() ? widened(view) : std::vector<float>(static_cast<size_t>(count));
  return kept.data();
}

float factor_of(float temperature, TemperatureMode mode) {
  if (mode == TemperatureMode::kRaw) return temperature;
  double const exponent = temperature;
  if (mode == TemperatureMode::kExp) return static_cast<float>(std::exp(exponent));
  return static_cast<float>(std::exp(std::min(std::max(exponent, 1e-7), 2.0)));
}

class Planner {
 public:
  Planner(PlannedConv& planned, CompressedConvDesc const& desc, CompressedConvArgs const& args)
      : p_(planned), plan_(planned.plan), desc_(desc), args_(args) {}

  void run(int threads) {
    describe_sequences();
    describe_rows();
    describe_parameters();
    if (desc_.rotates) describe_rotation();
    cut_tasks(threads);
  }

 private:
  void describe_sequences() {
    if (desc_.packed) return describe_packed();
    for (int64_t b = 0; b < desc_.batch; ++b) {
      ConvSequence s;
      s.batch = s.number = b;
      s.rows = s.tokens = static_cast<int32_t>(desc_.seq);
      if (args_.lengths.defined()) {
        s.tokens = index_at(args_.lengths, b);
        check(s.tokens >= 0 && s.tokens <= desc_.seq, ErrorCode::kIndex, "lengths[", b, "] is ",
              s.tokens, ", expected 0 to ", desc_.seq);
      }
      p_.sequences.push_back(s);
    }
  }

  /// Tokens behind the last sequence are padding: a sequence of their own says so.
  void describe_packed() {
    int64_t end = 0;
    for (int64_t b = 0; b <= desc_.batch; ++b) {
      int64_t const start = index_at(args_.cu_seq_lens, b);  // once: another stream may write it
      int64_t const most = b == 0 ? 0 : desc_.seq;
      check(start >= end && start <= most, ErrorCode::kIndex, "cuSeqLens[", b, "] is ", start,
            ", expected ", end, " to ", most);
      if (b > 0) add_packed(b - 1, end, start, true);
      end = start;
    }
    if (end < desc_.seq) add_packed(0, end, desc_.seq, false);
  }

  void add_packed(int64_t number, int64_t first, int64_t end, bool in_use) {
    ConvSequence s;
    s.first = first;
    s.number = number;
    s.rows = static_cast<int32_t>(end - first);
    s.tokens = in_use ? s.rows : 0;
    p_.sequences.push_back(s);
  }

  static int32_t index_at(TensorView const& view, int64_t i) {
    return view.data<int32_t>()[i * view.strides[0]];
  }

  void describe_rows() {
    plan_.dtype = desc_.dtype;
    plan_.latent = rows_of(args_.latent, desc_.packed);
    plan_.value = rows_of(args_.value, desc_.packed);
    plan_.delayed = rows_of(args_.delayed, desc_.packed);
    plan_.history = rows_of(args_.history, false);
    if (args_.delayed_history.defined()) {
      plan_.delayed_history.data = args_.delayed_history.bytes();
      plan_.delayed_history.sequence = args_.delayed_history.strides[0];
    }
    plan_.q = rows_of(args_.q, desc_.packed);
    plan_.k = rows_of(args_.k, desc_.packed);
    plan_.v = rows_of(args_.v, desc_.packed);
    plan_.heads_q = static_cast<int32_t>(desc_.heads_q);
    plan_.heads_kv = static_cast<int32_t>(desc_.heads_kv);
    plan_.head_dim = static_cast<int32_t>(desc_.head_dim);
    plan_.taps_1 = static_cast<int32_t>(desc_.taps_1);
    plan_.taps_2 = static_cast<int32_t>(desc_.taps_2);
    plan_.sequences = p_.sequences.data();
  }

  void describe_parameters() {
    plan_.w1 = floats_of(args_.w1, 0, p_.w1);
    plan_.b1 = floats_of(args_.b1, desc_.channels(), p_.b1);
    plan_.b2 = floats_of(args_.b2, desc_.channels(), p_.b2);
    plan_.w2 = args_.w2.bytes();
    plan_.w2_dtype = args_.w2.dtype;
    p_.tau = widened(args_.temperature);
    for (float& tau : p_.tau) tau = factor_of(tau, desc_.temperature_mode);
    plan_.tau = p_.tau.data();
    if (args_.delayed_bias.defined()) round_first_delayed();
  }

  /// The bias as a row of the storage format.
  void round_first_delayed() {
    std::vector<float> const bias = widened(args_.delayed_bias);
    p_.first_delayed.resize(bias.size() * static_cast<size_t>(size_of(desc_.dtype)));
    with_float_type(desc_.dtype, [&](auto type) {
      auto* const to = reinterpret_cast<decltype(type)*>(p_.first_delayed.data());
      for (size_t i = 0; i < bias.size(); ++i) to[i] = rounded<decltype(type)>(bias[i]);
    });
    plan_.first_delayed = p_.first_delayed.data();
  }

  void describe_rotation() {
    if (args_.positions.defined()) {
      TensorView const& given = args_.positions;
      plan_.positions = given.data<int32_t>();
      plan_.position_batch = desc_.packed ? 0 : given.strides[0];
      plan_.position_token = given.strides[given.rank() - 1];
    }
    plan_.position_offset = desc_.rope.position_offset;
    RopeDesc rope = desc_.rope;
    if (rope.current_length == 0) rope.current_length = length_of(rope.scaling);
    RopeFrequencies exact = rope_frequencies(rope, desc_.head_dim);
    p_.frequencies = std::move(exact.per_position);
    for (double const f : p_.frequencies) {
      SinCos const step = sincos_of_large(f);
      p_.step_cos.push_back(step.cos);
      p_.step_sin.push_back(step.sin);
    }
    plan_.pairs = static_cast<int32_t>(p_.frequencies.size());
    plan_.frequencies = p_.frequencies.data();
    plan_.step_cos = p_.step_cos.data();
    plan_.step_sin = p_.step_sin.data();
    plan_.cos_factor = exact.attention_factor;
    plan_.sin_factor = rope.inverse ? -exact.attention_factor : exact.attention_factor;
    bool const reads_halves = rope.pairing == RopePairing::kHalfSplit;
    bool const writes_halves = rope.pairing != RopePairing::kInterleaved;
    plan_.from_step = reads_halves ? 1 : 2;
    plan_.from_apart = reads_halves ? plan_.pairs : 1;
    plan_.to_step = writes_halves ? 1 : 2;
    plan_.to_apart = writes_halves ? plan_.pairs : 1;
  }

  /// Largest position, plus 1, for the scalings that ask for it.
  double length_of(RopeScaling scaling) const {
    if (scaling != RopeScaling::kDynamicNtk && scaling != RopeScaling::kLongRope) return 0;
    int64_t length = 0;
    for (ConvSequence const& s : p_.sequences)
      for (int64_t t = 0; t < s.tokens; ++t) length = std::max(length, position(s, t) + 1);
    return static_cast<double>(length);
  }

  int64_t position(ConvSequence const& s, int64_t t) const {
    int64_t const at = s.batch * plan_.position_batch + (s.first + t) * plan_.position_token;
    return (plan_.positions ? plan_.positions[at] : t) + plan_.position_offset;
  }

  /// Heads of a tile share its angles, so that a task has as many as leave each thread enough tasks
  /// to end together with the others.
  void cut_tasks(int threads) {
    int64_t tiles = 0;
    for (ConvSequence const& s : p_.sequences) tiles += (s.rows + kConvTokens - 1) / kConvTokens;
    int64_t const most = tiles * plan_.heads_kv / (kLeastTasks * threads);
    auto const groups =
        static_cast<int32_t>(std::clamp<int64_t>(most, 1, std::max(plan_.heads_kv, 1)));
    for (int32_t n = 0; n < static_cast<int32_t>(p_.sequences.size()); ++n)
      for (int32_t t = 0; t < p_.sequences[n].rows; t += kConvTokens)
        for (int32_t group = 0; group < plan_.heads_kv; group += groups)
          p_.tasks.push_back({n, t, std::min(t + kConvTokens, p_.sequences[n].rows), group,
                              std::min(group + groups, plan_.heads_kv)});
  }

  PlannedConv& p_;
  ConvPlan& plan_;
  CompressedConvDesc const& desc_;
  CompressedConvArgs const& args_;
};

}  // namespace

void plan_compressed_conv(PlannedConv& planned, CompressedConvDesc const& desc,
                          CompressedConvArgs const& args, int threads) {
  Planner(planned, desc, args).run(threads);
}

}  // namespace fattn::cpu
