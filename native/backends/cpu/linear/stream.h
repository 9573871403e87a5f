// The product of few rows: w is read once, where it lies, at the rate of the memory.
#pragma once

#include "backends/cpu/linear/result.h"
#include "backends/cpu/linear/scratch.h"

namespace fattn::cpu {

/// 2 kLanes elements of a row as the vectors that are multiplied. Which element goes where is the
/// source's business: x and w go the same way.
template <class Isa, class Source>
struct StreamChunk {
  using Vector = typename Isa::F;
  static constexpr int kVectors = 2;
  [[gnu::always_inline]] static void load(typename Source::Element const* p, Vector* x) {
    if constexpr (Source::kSplits) {
      Source::load_split(p, x);
    } else {
      x[0] = Source::load(p);
      x[1] = Source::load(p + Isa::kLanes);
    }
  }
  [[gnu::always_inline]] static typename Isa::F multiply_add(Vector a, Vector b,
                                                             typename Isa::F acc) {
    return Isa::fma(a, b, acc);
  }
};
template <class Isa>
  requires(Isa::kBf16Dot)
struct StreamChunk<Isa, Bf16Source<Isa>> {
  using Vector = typename Isa::I;
  static constexpr int kVectors = 1;
  [[gnu::always_inline]] static void load(uint16_t const* p, Vector* x) {
    x[0] = Isa::load(reinterpret_cast<int32_t const*>(p));
  }
  [[gnu::always_inline]] static typename Isa::F multiply_add(Vector a, Vector b,
                                                             typename Isa::F acc) {
    return Isa::dot(a, b, acc);
  }
};

template <class Isa, class Source>
class LinearStream {
 public:
  static void run(LinearPlan const& plan, LinearTask const& task, void* scratch) {
    LinearStream kernel(plan, task, scratch);
    kernel.pack_rows();
    for (int64_t c = task.column_begin; c < task.column_end; c += kStreamColumns) {
      if (plan.stopped(plan.job)) return;
      int64_t const rest = task.column_end - c;
      kernel.stripe(c, static_cast<int>(rest < kStreamColumns ? rest : kStreamColumns));
    }
  }

 private:
  using Element = typename Source::Element;
  using F = typename Isa::F;
  using Chunk = StreamChunk<Isa, Source>;
  using Vector = typename Chunk::Vector;
  static constexpr int kLanes = Isa::kLanes, kStep = 2 * kLanes, kVectors = Chunk::kVectors;
  static constexpr int kColumns = 4;                             // rows of w at a time
  static constexpr int kRows = Isa::kPanelVectors == 4 ? 4 : 2;  // rows of x, as registers allow
  // How far ahead of its use a line is asked for: hardware prefetchers stop at the end of a page,
  // and at that of a row the next to be read is not the next in memory.
  static constexpr int kAhead = 2048 / static_cast<int>(sizeof(Element));

  LinearStream(LinearPlan const& plan, LinearTask const& task, void* scratch)
      : plan_(plan), task_(task), rows_(static_cast<int>(task.row_end - task.row_begin)) {
    Arena arena{static_cast<char*>(scratch)};
    s_ = StreamScratch::lay_out(arena, kStreamRows, plan.in);
  }

  [[gnu::always_inline]] static void load_upto(Element const* p, int64_t count, Vector* x) {
    if (count >= kStep) return Chunk::load(p, x);
    Element padded[kStep] = {};
    for (int i = 0; i < count; ++i) padded[i] = p[i];
    Chunk::load(padded, x);
  }

  void pack_rows() {
    for (int r = 0; r < rows_; ++r) {
      Element const* row = plan_.x.row<Element>(task_.row_begin + r);
      float* target = s_.x + r * s_.x_stride;
      for (int64_t c = 0; c < plan_.in; c += kStep, target += kVectors * kLanes) {
        Vector x[kVectors];
        load_upto(row + c, plan_.in - c, x);
        FATTN_UNROLL for (int v = 0; v < kVectors; ++v) Isa::store(target + v * kLanes, (F)x[v]);
      }
    }
  }

  void stripe(int64_t first, int count) {
    float sums[kStreamRows * kStreamColumns] = {};
    auto const* w = reinterpret_cast<Element const*>(plan_.w) + first * plan_.w_row;
    for (int i = 0; i < count; i += kColumns, w += kColumns * plan_.w_row) {
      // Past the last column its row stands in: those sums are not stored.
      Element const* columns[kColumns] = {w};
      FATTN_UNROLL for (int n = 1; n < kColumns; ++n) {
        columns[n] = columns[n - 1] + (i + n < count ? plan_.w_row : 0);
      }
      int r = 0;
      for (; r + kRows <= rows_; r += kRows) multiply<kRows>(columns, r, sums + i);
      if constexpr (kRows == 4) {
        if (r + 2 <= rows_) multiply<2>(columns, r, sums + i), r += 2;
      }
      if (r < rows_) multiply<1>(columns, r, sums + i);
    }
    for (int r = 0; r < rows_; ++r) {
      store_columns<Isa>(plan_, task_.row_begin + r, first, count, sums + r * kStreamColumns);
    }
  }

  /// sums[r][n] = x[first + r] . columns[n]. An element's bits depend on its two rows alone.
  template <int kCount>
  [[gnu::noinline]] void multiply(Element const* const (&columns)[kColumns], int first,
                                  float* sums) const {
    Element const* w[kColumns];
    FATTN_UNROLL for (int n = 0; n < kColumns; ++n) w[n] = columns[n];
    float const* x = s_.x + first * s_.x_stride;
    int64_t const in = plan_.in, x_stride = s_.x_stride;
    int64_t const to_next = kColumns * plan_.w_row - in;
    F acc[kCount][kColumns] = {};
    int64_t c = 0;
    for (; c + kStep <= in; c += kStep, x += kVectors * kLanes) {
      int64_t const ahead = c + kAhead < in ? c + kAhead : c + kAhead + to_next;
      FATTN_UNROLL for (int n = 0; n < kColumns; ++n) {
        FATTN_UNROLL for (int b = 0; b < kStep * static_cast<int>(sizeof(Element)); b += 64) {
          __builtin_prefetch(reinterpret_cast<char const*>(w[n] + ahead) + b, 0, 2);
        }
      }
      multiply_add(acc, x, x_stride,
                   [&](int n, Vector* v) [[gnu::always_inline]] { Chunk::load(w[n] + c, v); });
    }
    if (c < in) {
      multiply_add(acc, x, x_stride, [&](int n, Vector* v) [[gnu::always_inline]] {
        load_upto(w[n] + c, in - c, v);
      });
    }
    FATTN_UNROLL for (int r = 0; r < kCount; ++r) {
      FATTN_UNROLL for (int n = 0; n < kColumns; ++n) {
        sums[(first + r) * kStreamColumns + n] = Isa::template reduce<SumOf<Isa>>(acc[r][n]);
      }
    }
  }

  template <int kCount, class Load>
  [[gnu::always_inline]] static void multiply_add(F (&acc)[kCount][kColumns], float const* x,
                                                  int64_t x_stride, Load load) {
    Vector w[kColumns][kVectors];
    FATTN_UNROLL for (int n = 0; n < kColumns; ++n) load(n, w[n]);
    FATTN_UNROLL for (int v = 0; v < kVectors; ++v) {
      FATTN_UNROLL for (int r = 0; r < kCount; ++r) {
        Vector const a = (Vector)Isa::load(x + r * x_stride + v * kLanes);
        FATTN_UNROLL for (int n = 0; n < kColumns; ++n) {
          acc[r][n] = Chunk::multiply_add(a, w[n][v], acc[r][n]);
        }
      }
    }
  }

  LinearPlan const& plan_;
  LinearTask const& task_;
  int const rows_;
  StreamScratch s_;
};

}  // namespace fattn::cpu
