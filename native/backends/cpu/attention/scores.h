// From raw products to masked scores: scale, softcap, bias, ALiBi and visibility, one row at a
// time.
#pragma once

#include "backends/cpu/attention/scratch.h"
#include "backends/cpu/product/sources.h"
#include "backends/cpu/simd/polynomial.h"

namespace fattn::cpu {

constexpr float kLog2E = 1.4426950408889634f;

template <class Isa>
struct Scores {
  using F = typename Isa::F;
  using I = typename Isa::I;
  static constexpr int kLanes = Isa::kLanes;

  /// All ones where the key is within the structural limits of the row.
  [[gnu::always_inline]] static I within(KeyLimits const& limits, I key) {
    return ((key >= limits.lo) & (key < limits.hi)) | (key < limits.sink);
  }

  /// Hides what the limits hide; scores stay raw products. Returns the vector of maxima.
  static F limit_row(RowInfo const& row, float* scores, int key, int begin, int end) {
    F most = Isa::set1(-__builtin_inff());
    F const hidden = most;
    for (int c = begin; c < end; c += kLanes) {
      I const keys = Isa::iota() + (key + c);
      F x = Isa::select(within(row.limits, keys), Isa::load(scores + c), hidden);
      Isa::store(scores + c, x);
      most = Isa::max(most, x);
    }
    return most;
  }

  /// The whole of attention-variants 1.1: raw products become scores in log2 units.
  static F modify_row(AttentionPlan const& plan, Sequence const& seq, RowInfo const& row,
                      float* scores, int key, int begin, int end) {
    F most = Isa::set1(-__builtin_inff());
    F const hidden = most;
    for (int c = begin; c < end; c += kLanes) {
      int const j = key + c;
      int const count = seq.seq_kv - j;  // keys in this vector that exist
      I const keys = Isa::iota() + j;
      F x = Isa::load(scores + c) * row.scale;
      if (plan.softcap > 0) x = plan.softcap * tanh<Isa>(x / plan.softcap);
      if (row.bias) x += bias_at(plan.bias, row.bias, j, count);
      if (row.slope != 0) {
        x = Isa::fma(Isa::abs(__builtin_convertvector(keys - row.aligned, F)),
                     Isa::set1(-row.slope), x);
      }
      I visible = within(row.limits, keys);
      if (plan.has_segments) visible &= segments_at(seq, j, count) == row.segment;
      if (row.mask) visible &= mask_at(plan.mask, row.mask, j, count);
      x = Isa::select(visible, x * kLog2E, hidden);
      Isa::store(scores + c, x);
      most = Isa::max(most, x);
    }
    return most;
  }

 private:
  [[gnu::always_inline]] static int clamp(int count) { return count < kLanes ? count : kLanes; }

  static F bias_at(ScoreOperand const& bias, char const* row, int key, int count) {
    F x = Isa::zero();
    with_source<Isa>(bias.dtype, [&]<class Source>() {
      auto const* p = reinterpret_cast<typename Source::Element const*>(row) + key * bias.key;
      if (bias.key == 1) {
        x = load_upto<Isa, Source>(p, count);
        return;
      }
      typename Source::Element gathered[kLanes] = {};
      for (int i = 0; i < clamp(count); ++i) gathered[i] = p[i * bias.key];
      x = Source::load(gathered);
    });
    return x;
  }

  static I mask_at(ScoreOperand const& mask, char const* row, int key, int count) {
    I visible = {};
    char const* p = row + key * mask.key;
    for (int i = 0; i < clamp(count); ++i) visible[i] = p[i * mask.key] ? -1 : 0;
    return visible;
  }

  static I segments_at(Sequence const& seq, int key, int count) {
    int32_t const* p = seq.segments_k + key * seq.segment_stride_k;
    if (seq.segment_stride_k == 1 && count >= kLanes) return Isa::load(p);
    I segments = {};
    for (int i = 0; i < clamp(count); ++i) segments[i] = p[i * seq.segment_stride_k];
    return segments;
  }
};

/// Whether the row sees the key: every condition of attention-variants 1.3, one pair at a time.
template <class Isa>
bool row_sees(AttentionPlan const& plan, Sequence const& seq, RowInfo const& row, int key) {
  if (!sees(row.limits, key)) return false;
  if (plan.has_segments && seq.segments_k[key * seq.segment_stride_k] != row.segment) return false;
  return !row.mask || row.mask[key * plan.mask.key] != 0;
}

}  // namespace fattn::cpu
