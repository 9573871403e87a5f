// The decode kernel's product of weights and values.
#pragma once

#include "backends/cpu/attention/ahead.h"
#include "backends/cpu/product/sources.h"

namespace fattn::cpu {

/// kRows is 1, 2 or 4.
template <class Isa, class Source, int kRows>
class ValueProduct {
 public:
  using Element = typename Source::Element;

  /// out[r] += weights[r] . v for `keys` values of `width` columns, up to 4 vectors of columns at a
  /// time; rows of weights are kDecodeBlockKeys apart.
  static void add(float const* weights, Element const* v, int64_t v_stride, int keys, int width,
                  float* out, int64_t out_stride, Ahead& ahead) {
    int c = 0;
    for (; c + 4 * kLanes <= width; c += 4 * kLanes, v += 4 * kLanes) {
      add_columns<4>(weights, v, v_stride, keys, kLanes, out + c, out_stride, ahead);
    }
    for (; c < width; c += kLanes, v += kLanes) {
      int const count = width - c < kLanes ? width - c : kLanes;
      add_columns<1>(weights, v, v_stride, keys, count, out + c, out_stride, ahead);
    }
  }

  /// Puts the columns of a finished sum, which add() may keep in another order, in theirs.
  static void order(float* out, int width) {
    if constexpr (Source::kSplits) {
      for (int c = 0; c + 4 * kLanes <= width; c += 4 * kLanes) {
        FATTN_UNROLL for (int n = 0; n < 4; n += 2) {
          float* pair = out + c + n * kLanes;
          F const even = Isa::load(pair), odd = Isa::load(pair + kLanes);
          Isa::store(pair, Isa::interleave_low(even, odd));
          Isa::store(pair + kLanes, Isa::interleave_high(even, odd));
        }
      }
    }
  }

 private:
  using F = typename Isa::F;
  static constexpr int kLanes = Isa::kLanes;

  /// `count`: columns of the vector, where it is one.
  template <int kVectors>
  [[gnu::noinline]] static void add_columns(float const* weights, Element const* v,
                                            int64_t v_stride, int keys, int count, float* out,
                                            int64_t out_stride, Ahead& shared_ahead) {
    F acc[kRows][kVectors];
    FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        acc[r][n] = Isa::load(out + r * out_stride + n * kLanes);
      }
    }
    Ahead ahead = shared_ahead;  // in registers
    for (int i = 0; i < keys; ++i, v += v_stride) {
      ahead.template advance<kVectors * kLanes* static_cast<int>(sizeof(Element))>();
      F x[kVectors];
      if constexpr (Source::kSplits && kVectors > 1) {
        FATTN_UNROLL for (int n = 0; n < kVectors; n += 2) {
          Source::load_split(v + n * kLanes, x + n);
        }
      } else {
        FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
          x[n] =
              count == kLanes ? Source::load(v + n * kLanes) : load_partial<Isa, Source>(v, count);
        }
      }
      FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
        F const weight = Isa::set1(weights[r * kDecodeBlockKeys + i]);
        FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
          acc[r][n] = Isa::fma(weight, x[n], acc[r][n]);
        }
      }
    }
    shared_ahead = ahead;
    FATTN_UNROLL for (int r = 0; r < kRows; ++r) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        Isa::store(out + r * out_stride + n * kLanes, acc[r][n]);
      }
    }
  }
};

}  // namespace fattn::cpu
