// Rows of tokens in memory to columns in scratch, and back: transposes, one block of lanes each
// way.
#pragma once

#include "backends/cpu/compressed_conv/scratch.h"
#include "backends/cpu/product/sources.h"

namespace fattn::cpu {

/// Where the latents of one sequence lie, those in front of its first token too.
template <class Source>
struct LatentRows {
  using Element = typename Source::Element;
  Element const* tokens;
  Element const* history;  // null: zeros
  int64_t token_stride, history_stride;
  int32_t count, halo;

  [[gnu::always_inline]] LatentRows(ConvPlan const& plan, ConvSequence const& s) {
    auto const* all = reinterpret_cast<Element const*>(plan.latent.data);
    auto const* before = reinterpret_cast<Element const*>(plan.history.data);
    tokens = all + s.batch * plan.latent.sequence + s.first * plan.latent.token;
    history = before ? before + s.number * plan.history.sequence : nullptr;
    token_stride = plan.latent.token;
    history_stride = plan.history.token;
    count = s.tokens;
    halo = plan.halo();
  }

  /// Null where there is none: it counts as zeros.
  [[gnu::always_inline]] Element const* at(int32_t t) const {
    if (t >= count || t < -halo) return nullptr;
    if (t >= 0) return tokens + t * token_stride;
    return history ? history + (halo + t) * history_stride : nullptr;
  }
};

/// Channels [first, first + d) of tokens begin - halo to begin + columns, whole vectors, to
/// columns[channel][kConvHalo + token - begin].
template <class Isa, class Source>
[[gnu::noinline]] void load_columns(LatentRows<Source> const& rows, int64_t first, int32_t d,
                                    int32_t begin, int32_t columns, float* out) {
  constexpr int kLanes = Isa::kLanes;
  int32_t const halo = (rows.halo + kLanes - 1) / kLanes * kLanes;
  for (int32_t column = -halo; column < columns; column += kLanes) {
    typename Source::Element const* row[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      row[i] = rows.at(begin + column + i);
      if (row[i]) row[i] += first;
    }
    for (int32_t c = 0; c < d; c += kLanes) {
      typename Isa::F block[kLanes];
      for (int i = 0; i < kLanes; ++i)
        block[i] = row[i] ? load_upto<Isa, Source>(row[i] + c, d - c) : Isa::zero();
      Isa::transpose(block);
      int const depth = d - c < kLanes ? d - c : kLanes;
      float* at = out + int64_t{c} * kConvStride + kConvHalo + column;
      for (int i = 0; i < depth; ++i) Isa::store(at + i * kConvStride, block[i]);
    }
  }
}

/// Columns back to rows of d elements, one per token.
template <class Isa, class Source>
[[gnu::noinline]] void store_columns(float const* columns, int32_t d, int32_t tokens,
                                     typename Source::Element* out, int64_t out_stride) {
  constexpr int kLanes = Isa::kLanes;
  for (int32_t token = 0; token < tokens; token += kLanes) {
    int const count = tokens - token < kLanes ? tokens - token : kLanes;
    for (int32_t c = 0; c < d; c += kLanes) {
      int const depth = d - c < kLanes ? d - c : kLanes;
      float const* at = columns + int64_t{c} * kConvStride + kConvHalo + token;
      typename Isa::F block[kLanes];
      for (int i = 0; i < kLanes; ++i)
        block[i] = i < depth ? Isa::load(at + i * kConvStride) : Isa::zero();
      Isa::transpose(block);
      for (int i = 0; i < count; ++i)
        store_upto<Isa, Source>(out + (token + i) * out_stride + c, block[i], depth);
    }
  }
}

}  // namespace fattn::cpu
