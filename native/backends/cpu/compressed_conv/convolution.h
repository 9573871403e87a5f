// The two convolutions over columns: lanes are tokens, so that a tap is a shifted load.
#pragma once

#include "backends/cpu/compressed_conv/scratch.h"
#include "backends/cpu/product/sources.h"

namespace fattn::cpu {

/// Depthwise: y[c][t] = b1[c] + sum over r of w1[c][r] u[c][t - (K1 - 1) + r], for the tile's
/// tokens and the K2 - 1 in front of them. In front of a sequence u is zero, and y its bias.
template <class Isa>
[[gnu::noinline]] void convolve_depthwise(float const* u, float const* w1, float const* b1,
                                          int32_t taps, int32_t before, int32_t d, int32_t columns,
                                          float* y) {
  for (int32_t c = 0; c < d; ++c, u += kConvStride, y += kConvStride, w1 += taps) {
    auto const bias = Isa::set1(b1[c]);
    for (int32_t t = kConvHalo - before; t < kConvHalo + columns; t += Isa::kLanes) {
      typename Isa::F sum = bias;
      for (int32_t r = 0; r < taps; ++r)
        sum = Isa::fma(Isa::set1(w1[r]), Isa::load(u + t - (taps - 1) + r), sum);
      Isa::store(y + t, sum);
    }
  }
}

/// The mean of queries and keys that joins a head: what the second convolution gives plus
/// (own * own_factor + other) / 2.
struct ConvMean {
  float* own;          // [d][kConvStride], which the sum replaces
  float const* other;  // [d][kConvStride]
  float other_factor;  // of the sum of queries, 1 / group
};

/// Grouped: kRows of a head's d channels from all d, times kVectors of tokens. An element's sum
/// runs over channels, then taps, whatever the tile: its bits do not depend on what shares it.
template <class Isa, int kRows, int kVectors, int kTaps>
[[gnu::noinline]] void convolve_rows(float const* weights, int64_t weight_stride, float const* y,
                                     int32_t d, int32_t any_taps, float const* bias,
                                     ConvMean const& mean) {
  using F = typename Isa::F;
  int32_t const taps = kTaps > 0 ? kTaps : any_taps;
  F acc[kRows][kVectors];
  FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) acc[r][n] = Isa::set1(bias[r]);
  }
  float const* window = y - (taps - 1);
  float const* weights3 = weights + 3 * weight_stride;
  for (int32_t e = 0; e < d; ++e, window += kConvStride) {
    for (int32_t tap = 0; tap < taps; ++tap, ++weights, ++weights3) {
      F tokens[kVectors];
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        tokens[n] = Isa::load(window + tap + n * Isa::kLanes);
      }
      FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
        float const* row = r < 3 ? weights + r * weight_stride : weights3 + (r - 3) * weight_stride;
        F const weight = Isa::set1(*row);
        FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
          acc[r][n] = Isa::fma(weight, tokens[n], acc[r][n]);
        }
      }
    }
  }
  F const half = Isa::set1(0.5f), factor = Isa::set1(mean.other_factor);
  FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
      float* own = mean.own + r * kConvStride + n * Isa::kLanes;
      F const other = Isa::load(mean.other + r * kConvStride + n * Isa::kLanes);
      Isa::store(own, acc[r][n] + (Isa::load(own) + other * factor) * half);
    }
  }
}

template <class Isa, int kRows, int kVectors>
[[gnu::always_inline]] inline void convolve_rows_of(int32_t taps, float const* weights,
                                                    int64_t stride, float const* y, int32_t d,
                                                    float const* bias, ConvMean const& mean) {
  if (taps == 2)
    return convolve_rows<Isa, kRows, kVectors, 2>(weights, stride, y, d, 2, bias, mean);
  convolve_rows<Isa, kRows, kVectors, 0>(weights, stride, y, d, taps, bias, mean);
}

/// All tokens of a tile for kRows channels.
template <class Isa, int kRows>
[[gnu::always_inline]] inline void convolve_tokens(ConvPlan const& plan, float const* weights,
                                                   float const* y, float const* bias,
                                                   int32_t columns, ConvMean mean) {
  int64_t const stride = int64_t{plan.head_dim} * plan.taps_2;
  for (int32_t token = 0; token < columns;) {
    int const left = (columns - token) / Isa::kLanes;
    int const vectors = left < Isa::kPanelVectors ? left : Isa::kPanelVectors;
    auto run = [&]<int kVectors>() [[gnu::always_inline]] {
      convolve_rows_of<Isa, kRows, kVectors>(plan.taps_2, weights, stride, y, plan.head_dim, bias,
                                             mean);
    };
    if constexpr (Isa::kPanelVectors == 4) {
      if (vectors == 4) run.template operator()<4>();
      if (vectors == 3) run.template operator()<3>();
    }
    if (vectors == 2) run.template operator()<2>();
    if (vectors == 1) run.template operator()<1>();
    int const step = vectors * Isa::kLanes;
    token += step, y += step, mean.own += step, mean.other += step;
  }
}

/// Rows [channel, channel + kConvRows) of w2 in float32; a pointer into w2 where they are already.
template <class Isa, class Source>
[[gnu::always_inline]] inline float const* widened(char const* w2, int64_t element, int64_t count,
                                                   float* out) {
  auto const* p = reinterpret_cast<typename Source::Element const*>(w2) + element;
  for (int64_t i = 0; i < count; i += Isa::kLanes) {
    int const left = count - i < Isa::kLanes ? static_cast<int>(count - i) : Isa::kLanes;
    F32Source<Isa>::store(out + i, load_upto<Isa, Source>(p + i, left));
  }
  return out;
}

/// Rows of one head that will be read or written, apart from one another in memory.
struct RowsAhead {
  char const* row;
  int64_t stride, bytes;  // from row to row, and of a row
  int32_t count;          // rows that are left

  /// Asks for `part` of `whole` of what is left, at least.
  [[gnu::always_inline]] void fetch(int32_t part, int32_t whole) {
    for (int32_t rows = (count * part + whole - 1) / whole; rows > 0; --rows, --count) {
      for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(row + at);
      __builtin_prefetch(row + bytes - 1);  // where rows begin within a line
      row += stride;
    }
  }
};

/// The second convolution of head `head` (of queries, then keys) over y, joined with the mean.
/// Between the products `in` and `out` are fetched: while they run, memory has nothing to do.
template <class Isa>
[[gnu::noinline]] void convolve_grouped(ConvPlan const& plan, int32_t head, float const* y,
                                        int32_t columns, float* scratch, ConvMean mean,
                                        RowsAhead in, RowsAhead out) {
  int64_t const depth = int64_t{plan.head_dim} * plan.taps_2;
  int32_t const d = plan.head_dim;
  for (int32_t row = 0; row < d;) {
    int32_t const rows = d - row >= kConvRows ? kConvRows : 1;
    int64_t const channel = int64_t{head} * d + row;
    float const* weights = nullptr;
    if (plan.w2_dtype == DType::f32)
      weights = reinterpret_cast<float const*>(plan.w2) + channel * depth;
    else if (plan.w2_dtype == DType::f16)
      weights = widened<Isa, F16Source<Isa>>(plan.w2, channel * depth, rows * depth, scratch);
    else
      weights = widened<Isa, Bf16Source<Isa>>(plan.w2, channel * depth, rows * depth, scratch);
    float const* bias = plan.b2 + channel;
    in.fetch(rows, d - row);
    out.fetch(rows, d - row);
    if (rows == kConvRows)
      convolve_tokens<Isa, kConvRows>(plan, weights, y + kConvHalo, bias, columns, mean);
    else
      convolve_tokens<Isa, 1>(plan, weights, y + kConvHalo, bias, columns, mean);
    row += rows;
    mean.own += int64_t{rows} * kConvStride, mean.other += int64_t{rows} * kConvStride;
  }
}

}  // namespace fattn::cpu
