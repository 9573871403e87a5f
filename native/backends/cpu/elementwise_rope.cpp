#include "backends/cpu/elementwise_rope.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "backends/cpu/element_types.h"
#include "backends/cpu/token_rows.h"
#include "kernels/elementwise/sincos.h"

namespace fattn::cpu {
namespace {

constexpr int64_t kElementsPerTask = 1 << 15;

/// Places of the pair t within a row: t * step and t * step + apart.
struct PairLayout {
  int64_t step, apart;
};

PairLayout layout_of(bool split, int64_t pairs) {
  return split ? PairLayout{1, pairs} : PairLayout{2, 1};
}

struct Rope {
  TokenRows x, out;
  int32_t const* positions = nullptr;  // null: the index of the token
  int64_t position_strides[2] = {};    // b, s
  int64_t position_offset;
  bool in_place;
  int64_t pairs;
  PairLayout from, to;
  double sin_factor, cos_factor;
  std::vector<double> frequencies;

  Rope(RopeDesc const& desc, RopeArgs const& args) : x(args.x), out(args.out) {
    TensorView const& given = args.positions;
    if (given.defined()) {
      positions = given.data<int32_t>();
      position_strides[1] = given.strides[given.rank() - 1];
      if (given.rank() == 2) position_strides[0] = given.strides[0];
    }
    position_offset = desc.position_offset;
    in_place = x.data == out.data;
    RopeDesc complete = desc;
    if (desc.current_length == 0) complete.current_length = length_of(desc.scaling);
    RopeFrequencies exact = rope_frequencies(complete, x.dim);
    frequencies = std::move(exact.per_position);
    pairs = static_cast<int64_t>(frequencies.size());  // proportional: all of the head
    cos_factor = exact.attention_factor;
    sin_factor = desc.inverse ? -exact.attention_factor : exact.attention_factor;
    from = layout_of(desc.pairing == RopePairing::kHalfSplit, pairs);
    to = layout_of(desc.pairing != RopePairing::kInterleaved, pairs);
  }

  /// Largest position, plus 1, for the scalings that ask for it.
  double length_of(RopeScaling scaling) const {
    if (scaling != RopeScaling::kDynamicNtk && scaling != RopeScaling::kLongRope) return 0;
    int64_t length = 0;
    for (int64_t b = 0; b < (positions ? x.batch : 1); ++b)
      for (int64_t s = 0; s < x.tokens; ++s) length = std::max(length, position(b, s) + 1);
    return static_cast<double>(length);
  }

  int64_t position(int64_t b, int64_t s) const {
    int64_t const own =
        positions ? positions[b * position_strides[0] + s * position_strides[1]] : s;
    return own + position_offset;
  }
};

/// Scratch of a worker: factors of the current position, and one row before and after.
struct RopeScratch {
  float* cos;
  float* sin;
  float* row;
  float* turned;

  RopeScratch(Worker& worker, int64_t pairs) {
    cos = static_cast<float*>(worker.scratch(static_cast<size_t>(6 * pairs) * sizeof(float)));
    sin = cos + pairs;
    row = sin + pairs;         // 2 * pairs
    turned = row + 2 * pairs;  // 2 * pairs
  }
};

/// The C library beyond the reach of ours: offsets near 2^53 with frequencies above 1.
SinCos turn_by(double angle) {
  if (std::fabs(angle) < 0x1p54) return sincos_of_large(angle);
  return {std::sin(angle), std::cos(angle)};
}

void set_angles(Rope const& rope, int64_t position, RopeScratch const& scratch) {
  for (int64_t t = 0; t < rope.pairs; ++t) {
    SinCos const turn = turn_by(static_cast<double>(position) * rope.frequencies[t]);
    scratch.cos[t] = static_cast<float>(turn.cos * rope.cos_factor);
    scratch.sin[t] = static_cast<float>(turn.sin * rope.sin_factor);
  }
}

/// In floats on the side, and stored when complete: conversions run over whole rows, and in place a
/// de-interleaving write cannot meet unread pairs.
template <class T>
void rotate_row(Rope const& rope, T const* x, T* out, RopeScratch const& scratch) {
  int64_t const rotary = 2 * rope.pairs;
  for (int64_t c = 0; c < rotary; ++c) scratch.row[c] = to_f32(x[c]);
  for (int64_t t = 0; t < rope.pairs; ++t) {
    float const u = scratch.row[t * rope.from.step];
    float const w = scratch.row[t * rope.from.step + rope.from.apart];
    float* const at = scratch.turned + t * rope.to.step;
    at[0] = u * scratch.cos[t] - w * scratch.sin[t];
    at[rope.to.apart] = w * scratch.cos[t] + u * scratch.sin[t];
  }
  for (int64_t c = 0; c < rotary; ++c) out[c] = rounded<T>(scratch.turned[c]);
  if (!rope.in_place) std::copy(x + rotary, x + rope.x.dim, out + rotary);
}

/// Tokens [begin, end) of every sequence. Batches inside, since they mostly share positions.
template <class T>
void rotate_tokens(Rope const& rope, int64_t begin, int64_t end, RopeScratch const& scratch) {
  bool has_angles = false;
  int64_t angles_of = 0;
  for (int64_t s = begin; s < end; ++s)
    for (int64_t b = 0; b < rope.x.batch; ++b) {
      int64_t const position = rope.position(b, s);
      if (!has_angles || position != angles_of) set_angles(rope, position, scratch);
      has_angles = true;
      angles_of = position;
      for (int64_t h = 0; h < rope.x.heads; ++h)
        rotate_row(rope, rope.x.row<T>(b, s, h), rope.out.row<T>(b, s, h), scratch);
    }
}

template <class T>
void rotate(JobContext& context, Rope const& rope) {
  TokenRows const& x = rope.x;
  int64_t const per_token = std::max<int64_t>(1, x.batch * x.heads * x.dim);
  int64_t const tokens_per_task = std::max<int64_t>(1, kElementsPerTask / per_token);
  auto task = [&](int64_t index, Worker& worker) {
    int64_t const begin = index * tokens_per_task;
    rotate_tokens<T>(rope, begin, std::min(x.tokens, begin + tokens_per_task),
                     RopeScratch(worker, rope.pairs));
  };
  double const nanoseconds =
      static_cast<double>(x.tokens) * static_cast<double>(per_token + 20 * rope.pairs);
  context.parallel_for((x.tokens + tokens_per_task - 1) / tokens_per_task, nanoseconds, task);
}

}  // namespace

void run_rope(JobContext& context, RopeDesc const& desc, RopeArgs const& args) {
  if (args.x.elements() == 0) return;
  Rope const rope(desc, args);
  with_float_type(args.x.dtype, [&](auto type) { rotate<decltype(type)>(context, rope); });
}

}  // namespace fattn::cpu
