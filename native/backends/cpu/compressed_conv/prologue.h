// The prologue of compressed convolutional attention (attention-variants 4.2), tile by tile: reads
// every latent once, but for the halo in front of a tile, and writes q, k and v once.
#pragma once

#include "backends/cpu/compressed_conv/columns.h"
#include "backends/cpu/compressed_conv/convolution.h"
#include "kernels/elementwise/sincos.h"

namespace fattn::cpu {

/// Cosines and sines of `count` tokens from the tile's `begin`-th on that stand one behind the
/// other, of the first of which turn_cos and turn_sin are: eight at a time, which are eight turns
/// apart.
template <class Isa>
[[gnu::always_inline]] inline void turn_neighbours(ConvPlan const& plan, ConvScratch const& scratch,
                                                   int32_t begin, int32_t count) {
  constexpr int kSide = 8;
  typedef double Turns __attribute__((vector_size(8 * kSide)));
  typedef float Rounded __attribute__((vector_size(4 * kSide)));
  for (int32_t pair = 0; pair < plan.pairs; ++pair) {
    Turns cos = {scratch.turn_cos[pair]}, sin = {scratch.turn_sin[pair]};
    double c = plan.step_cos[pair], s = plan.step_sin[pair];  // of 1, 2, 4 and 8 tokens
    FATTN_UNROLL for (int known = 1; known < kSide; known *= 2) {
      FATTN_UNROLL for (int i = 0; i < known; ++i) {
        cos[known + i] = cos[i] * c - sin[i] * s;
        sin[known + i] = sin[i] * c + cos[i] * s;
      }
      double const both = 2 * c * s;
      c = c * c - s * s;
      s = both;
    }
    float* const cosines = scratch.cos + int64_t{pair} * kConvTokens + begin;
    float* const sines = scratch.sin + int64_t{pair} * kConvTokens + begin;
    for (int32_t t = 0; t < count; t += kSide) {
      size_t const some =
          static_cast<size_t>(count - t < kSide ? count - t : kSide) * sizeof(float);
      Rounded const c8 = __builtin_convertvector(cos * plan.cos_factor, Rounded);
      Rounded const s8 = __builtin_convertvector(sin * plan.sin_factor, Rounded);
      if (count - t >= kSide) {
        __builtin_memcpy(cosines + t, &c8, sizeof c8);
        __builtin_memcpy(sines + t, &s8, sizeof s8);
      } else {
        __builtin_memcpy(cosines + t, &c8, some);
        __builtin_memcpy(sines + t, &s8, some);
      }
      Turns const turned = cos * c - sin * s;
      sin = sin * c + cos * s;
      cos = turned;
    }
  }
}

/// Cosines and sines of a tile, [pair][token]. A token that is no neighbour in place of the one
/// before starts anew.
template <class Isa>
[[gnu::noinline]] void set_turns(ConvPlan const& plan, ConvSequence const& s, ConvTask const& task,
                                 ConvScratch const& scratch) {
  auto const position_of = [&](int64_t t) -> int64_t {
    if (!plan.positions) return t + plan.position_offset;
    int64_t const at = s.batch * plan.position_batch + (s.first + t) * plan.position_token;
    return plan.positions[at] + plan.position_offset;
  };
  for (int32_t t = task.begin; t < task.end;) {
    int64_t const position = position_of(t);
    int32_t count = 1;
    while (t + count < task.end && position_of(t + count) == position + count) ++count;
    for (int32_t pair = 0; pair < plan.pairs; ++pair) {
      double const angle = static_cast<double>(position) * plan.frequencies[pair];
      bool const reached = __builtin_fabs(angle) < 0x1p54;
      SinCos const turn =
          reached ? sincos_of_large(angle) : SinCos{__builtin_sin(angle), __builtin_cos(angle)};
      scratch.turn_cos[pair] = turn.cos;
      scratch.turn_sin[pair] = turn.sin;
    }
    turn_neighbours<Isa>(plan, scratch, t - task.begin, count);
    t += count;
  }
}

/// scale[t] = factor sqrt(d) / |x[.][t]|, guarded as attention-variants 4.3 says.
template <class Isa>
[[gnu::noinline]] void set_scales(float const* x, int32_t d, int32_t columns, float factor,
                                  float* scale) {
  float const length = factor * __builtin_sqrtf(static_cast<float>(d));
  for (int32_t t = 0; t < columns; t += Isa::kLanes) {
    typename Isa::F sum = Isa::zero();
    for (int32_t c = 0; c < d; ++c) {
      auto const element = Isa::load(x + int64_t{c} * kConvStride + kConvHalo + t);
      sum = Isa::fma(element, element, sum);
    }
    for (int i = 0; i < Isa::kLanes; ++i) scale[t + i] = length / __builtin_sqrtf(sum[i] + 1e-12f);
  }
}

/// out = the rotation of scale * x; rows past those that turn are only scaled.
template <class Isa>
[[gnu::noinline]] void scale_and_turn(ConvPlan const& plan, ConvScratch const& scratch,
                                      float const* x, int32_t columns, float* out) {
  using F = typename Isa::F;
  for (int32_t pair = 0; pair < plan.pairs; ++pair) {
    int64_t const from = int64_t{pair} * plan.from_step, to = int64_t{pair} * plan.to_step;
    float const* u = x + from * kConvStride + kConvHalo;
    float* turned = out + to * kConvStride + kConvHalo;
    for (int32_t t = 0; t < columns; t += Isa::kLanes) {
      F const scale = Isa::load(scratch.scale + t);
      F const cos = Isa::load(scratch.cos + pair * kConvTokens + t);
      F const sin = Isa::load(scratch.sin + pair * kConvTokens + t);
      F const a = Isa::load(u + t) * scale;
      F const b = Isa::load(u + int64_t{plan.from_apart} * kConvStride + t) * scale;
      Isa::store(turned + t, a * cos - b * sin);
      Isa::store(turned + int64_t{plan.to_apart} * kConvStride + t, b * cos + a * sin);
    }
  }
  for (int32_t c = 2 * plan.pairs; c < plan.head_dim; ++c) {
    int64_t const row = int64_t{c} * kConvStride + kConvHalo;
    for (int32_t t = 0; t < columns; t += Isa::kLanes)
      Isa::store(out + row + t, Isa::load(x + row + t) * Isa::load(scratch.scale + t));
  }
}

template <class Isa, class Source>
class ConvTile {
 public:
  using Element = typename Source::Element;

  [[gnu::always_inline]] ConvTile(ConvPlan const& plan, ConvTask const& task, void* memory)
      : plan_(plan), task_(task), sequence_(plan.sequences[task.sequence]) {
    Arena arena{static_cast<char*>(memory)};
    scratch_ = ConvScratch::lay_out(arena, plan);
    int32_t const end = task.end < sequence_.tokens ? task.end : sequence_.tokens;
    tokens_ = end > task.begin ? end - task.begin : 0;
    columns_ = (tokens_ + Isa::kLanes - 1) / Isa::kLanes * Isa::kLanes;
  }

  void run() {
    if (tokens_ > 0 && plan_.pairs > 0) set_turns<Isa>(plan_, sequence_, task_, scratch_);
    for (int32_t group = task_.group_begin; group < task_.group_end; ++group) {
      if (tokens_ > 0) run_group(group);
      for (int32_t t = 0; t < task_.end - task_.begin; ++t) shift_values(group, t);
      for (int32_t t = tokens_; t < task_.end - task_.begin; ++t) clear(group, t);
    }
  }

 private:
  /// The heads of a group, from the latents of the key head to its keys. Latents lie far apart, a
  /// row per token, and outputs too: while a head is convolved, its output and the latents of the
  /// head that comes next are fetched.
  void run_group(int32_t group) {
    LatentRows<Source> const rows(plan_, sequence_);
    int32_t const d = plan_.head_dim, count = plan_.group(), key_head = plan_.heads_q + group;
    auto load = [&](int32_t head, float* columns) {
      load_columns<Isa, Source>(rows, int64_t{head} * d, d, task_.begin, columns_, columns);
    };
    bool const is_last = group + 1 == task_.group_end;
    load(key_head, scratch_.keys);
    for (int32_t h = 0; h < count; ++h) {
      int32_t const head = group * count + h;
      load(head, scratch_.latent);
      add_query(h == 0);
      RowsAhead ahead(convolution_steps(d));
      if (h + 1 < count)
        ahead.add(latents_of(head + 1));
      else if (!is_last)
        ahead.add(latents_of(key_head + 1));
      finish_head(head, {scratch_.latent, scratch_.keys, 1.0f}, 1.0f,
                  row_of(plan_.q, task_.begin, head), plan_.q.token, ahead);
    }
    RowsAhead ahead(convolution_steps(d));
    if (!is_last) ahead.add(latents_of((group + 1) * count));
    add_values(group, ahead);
    finish_head(key_head, {scratch_.keys, scratch_.queries, 1.0f / static_cast<float>(count)},
                plan_.tau[group], row_of(plan_.k, task_.begin, group), plan_.k.token, ahead);
  }

  RowLines rows_of(ConvRows const& rows, int32_t head, int64_t element, int64_t width) const {
    return {row_of(rows, task_.begin, head) + element, rows.token, tokens_,
            static_cast<int32_t>(width)};
  }
  RowLines latents_of(int32_t head) const {
    return rows_of(plan_.latent, 0, int64_t{head} * plan_.head_dim, plan_.head_dim);
  }
  /// What shift_values() will read and write.
  void add_values(int32_t group, RowsAhead& ahead) const {
    auto const [begin, middle, end] = parts_of(group);
    ahead.add(rows_of(plan_.v, group, 0, plan_.head_dim));
    if (middle > begin) ahead.add(rows_of(plan_.value, 0, begin, middle - begin));
    if (end > middle)
      ahead.add(rows_of(plan_.delayed, 0, middle - plan_.half_values(), end - middle));
  }

  /// Elements [begin, end) of the flat row of values: those in front of `middle` are current, the
  /// others delayed.
  struct ValueParts {
    int64_t begin, middle, end;
  };
  [[gnu::always_inline]] ValueParts parts_of(int32_t group) const {
    int64_t const half = plan_.half_values(), begin = int64_t{group} * plan_.head_dim;
    int64_t const end = begin + plan_.head_dim;
    return {begin, half < begin ? begin : half < end ? half : end, end};
  }

  /// Adds the latents of a query head to the sum over its group.
  [[gnu::noinline]] void add_query(bool first) {
    for (int32_t c = 0; c < plan_.head_dim; ++c) {
      int64_t const row = int64_t{c} * kConvStride + kConvHalo;
      for (int32_t t = 0; t < columns_; t += Isa::kLanes) {
        auto const own = Isa::load(scratch_.latent + row + t);
        float* sum = scratch_.queries + row + t;
        Isa::store(sum, first ? own : Isa::load(sum) + own);
      }
    }
  }

  /// From the latents of a head in mean.own to its rows in memory.
  void finish_head(int32_t head, ConvMean mean, float factor, Element* out, int64_t stride,
                   RowsAhead& ahead) {
    int32_t const d = plan_.head_dim;
    float* const x = mean.own;
    int64_t const channel = int64_t{head} * d;
    convolve_depthwise<Isa>(x, plan_.w1 + channel * plan_.taps_1, plan_.b1 + channel, plan_.taps_1,
                            plan_.taps_2 - 1, d, columns_, scratch_.convolved);
    mean.own += kConvHalo, mean.other += kConvHalo;
    ahead.add({out, stride, tokens_, d});
    convolve_grouped<Isa>(plan_, head, scratch_.convolved, columns_, scratch_.weights, mean, ahead);
    set_scales<Isa>(x, d, columns_, factor, scratch_.scale);
    scale_and_turn<Isa>(plan_, scratch_, x, columns_, scratch_.convolved);
    store_columns<Isa, Source>(scratch_.convolved, d, tokens_, out, stride);
  }

  [[gnu::always_inline]] Element* row_of(ConvRows const& rows, int32_t t, int32_t head) const {
    return reinterpret_cast<Element*>(rows.data) + sequence_.batch * rows.sequence +
           (sequence_.first + t) * rows.token + head * rows.head;
  }

  /// The delayed value of token t, which is that of the token before.
  [[gnu::always_inline]] Element const* delayed_row(int32_t t) const {
    if (t > 0) return row_of(plan_.delayed, t - 1, 0);
    if (plan_.delayed_history.data)
      return reinterpret_cast<Element const*>(plan_.delayed_history.data) +
             sequence_.number * plan_.delayed_history.sequence;
    return reinterpret_cast<Element const*>(plan_.first_delayed);
  }

  /// Elements [group d, group d + d) of the flat row: its first half is current, the rest delayed.
  [[gnu::noinline]] void shift_values(int32_t group, int32_t i) {
    int32_t const t = task_.begin + i;
    if (t >= sequence_.tokens) return;
    Element* const out = row_of(plan_.v, t, group);
    Element const* const current = row_of(plan_.value, t, 0);
    Element const* const delayed = delayed_row(t);
    int64_t const half = plan_.half_values();
    auto const [begin, middle, end] = parts_of(group);
    size_t const first = static_cast<size_t>(middle - begin) * sizeof(Element);
    size_t const rest = static_cast<size_t>(end - middle) * sizeof(Element);
    if (first > 0) __builtin_memcpy(out, current + begin, first);
    if (rest > 0 && delayed)
      __builtin_memcpy(out + (middle - begin), delayed + middle - half, rest);
    if (rest > 0 && !delayed) __builtin_memset(out + (middle - begin), 0, rest);
  }

  /// Padding: zeros.
  [[gnu::noinline]] void clear(int32_t group, int32_t i) {
    int32_t const t = task_.begin + i, count = plan_.group();
    for (int32_t c = 0; c < plan_.head_dim; ++c) {
      row_of(plan_.k, t, group)[c] = row_of(plan_.v, t, group)[c] = Element{};
      for (int32_t h = 0; h < count; ++h) row_of(plan_.q, t, group * count + h)[c] = Element{};
    }
  }

  ConvPlan const& plan_;
  ConvTask const& task_;
  ConvSequence const& sequence_;
  ConvScratch scratch_;
  int32_t tokens_, columns_;
};

template <class Isa>
void run_conv_tile(ConvPlan const& plan, ConvTask const& task, void* scratch) {
  with_source<Isa>(plan.dtype,
                   [&]<class Source>() { ConvTile<Isa, Source>(plan, task, scratch).run(); });
}

}  // namespace fattn::cpu
