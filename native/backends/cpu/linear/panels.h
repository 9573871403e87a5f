// The product of many rows: a block of rows against panels of 64 columns, both packed, block by
// block of depth.
#pragma once

#include "backends/cpu/linear/result.h"
#include "backends/cpu/linear/scratch.h"
#include "backends/cpu/product/pack.h"

namespace fattn::cpu {

/// sums[r][n] += a[r] . b[n] for one panel; `fresh`: the sums start from zero.
template <class Isa, class Product, int kVectors>
[[gnu::noinline]] void sum_panel(typename Product::Element const* a,
                                 typename Product::Element const* b, int steps, float* sums,
                                 int64_t sums_stride, bool fresh) {
  typename Isa::F acc[kRowsPerTile][kVectors] = {};
  if (!fresh) {
    FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        acc[r][n] = Isa::load(sums + r * sums_stride + n * Isa::kLanes);
      }
    }
  }
  MicroKernel<Isa, Product, kVectors>::multiply(acc, a, kLinearSteps, b,
                                                Isa::kLanes * Isa::kPanelVectors, steps);
  FATTN_UNROLL for (int r = 0; r < kRowsPerTile; ++r) {
    FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
      Isa::store(sums + r * sums_stride + n * Isa::kLanes, acc[r][n]);
    }
  }
}

/// The same for 1..kPanelVectors vectors, picked at run time.
template <class Isa, class Product, class... Args>
[[gnu::always_inline]] inline void sum_panel_of(int vectors, Args... args) {
  if constexpr (Isa::kPanelVectors == 4) {
    if (vectors == 4) return sum_panel<Isa, Product, 4>(args...);
    if (vectors == 3) return sum_panel<Isa, Product, 3>(args...);
  }
  if (vectors == 2) return sum_panel<Isa, Product, 2>(args...);
  return sum_panel<Isa, Product, 1>(args...);
}

template <class Isa, class Product>
class LinearPanels {
 public:
  static void run(LinearPlan const& plan, LinearTask const& task, void* scratch) {
    LinearPanels kernel(plan, task, scratch);
    int64_t first = 0;
    do {  // once where there is no depth: its sums are zero
      int64_t const rest = plan.in - first;
      int const depth = static_cast<int>(rest < kDepth ? rest : kDepth);
      if (!kernel.add_block(first, depth)) return;
      first += kDepth;
    } while (first < plan.in);
    int const columns = static_cast<int>(task.column_end - task.column_begin);
    for (int r = 0; r < kernel.rows_; ++r) {
      store_columns<Isa>(plan, task.row_begin + r, task.column_begin, columns,
                         kernel.s_.sums + r * kernel.s_.sums_stride);
    }
  }

 private:
  static constexpr int kLanes = Isa::kLanes, kPanel = kLanes * Isa::kPanelVectors;
  static constexpr int kDepth = kLinearSteps * Product::kPerStep;
  static constexpr int kRowsAhead = 4;  // rows of x to ask for while one is packed
  using Element = typename Product::Element;

  LinearPanels(LinearPlan const& plan, LinearTask const& task, void* scratch)
      : plan_(plan), task_(task), rows_(static_cast<int>(task.row_end - task.row_begin)) {
    Arena arena{static_cast<char*>(scratch)};
    s_ = LinearScratch::lay_out(arena, plan.rows_per_task, plan.columns_per_task);
  }

  /// Adds the products of elements [first, first + depth) to all sums of the task; false: stopped.
  bool add_block(int64_t first, int depth) {
    bool go_on = true;
    with_source<Isa>(plan_.dtype, [&]<class Source>() {
      pack_rows<Source>(first, depth);
      for (int64_t c = task_.column_begin; go_on && c < task_.column_end; c += kPanel) {
        int64_t const rest = task_.column_end - c;
        int const count = static_cast<int>(rest < kPanel ? rest : kPanel);
        auto const* w = reinterpret_cast<typename Source::Element const*>(plan_.w);
        auto const* const rows = w + c * plan_.w_row + first;
        auto const row_at = [rows, stride = plan_.w_row](int r)
                                [[gnu::always_inline]] { return rows + r * stride; };
        pack_transposed<Isa, Source, Product>(row_at, count, depth, s_.panel,
                                              kLinearSteps * kPanel);
        multiply(static_cast<int>(c - task_.column_begin), count, depth, first == 0);
        go_on = !plan_.stopped(plan_.job);
      }
    });
    return go_on;
  }

  template <class Source>
  void pack_rows(int64_t first, int depth) {
    constexpr int kPerLine = 64 / sizeof(typename Source::Element);
    auto row = [&](int r) {
      return plan_.x.row<typename Source::Element>(task_.row_begin + r) + first;
    };
    for (int r = 0; r < rows_; ++r) {
      if (r + kRowsAhead < rows_) {
        auto const* ahead = row(r + kRowsAhead);
        for (int c = 0; c < depth; c += kPerLine) __builtin_prefetch(ahead + c, 0, 2);
      }
      pack_row<Isa, Source, Product>(row(r), depth, s_.x + int64_t{r} * kLinearSteps);
    }
    int const padded = static_cast<int>(round_up(rows_, kRowsPerTile));
    for (int64_t i = int64_t{rows_} * kLinearSteps; i < int64_t{padded} * kLinearSteps;
         i += kLanes) {
      Isa::store(s_.x + i, Isa::set1(0));
    }
  }

  void multiply(int column, int count, int depth, bool fresh) {
    int const steps = (depth + Product::kPerStep - 1) / Product::kPerStep;
    int const vectors = (count + kLanes - 1) / kLanes;
    auto const* x = reinterpret_cast<Element const*>(s_.x);
    auto const* panel = reinterpret_cast<Element const*>(s_.panel);
    for (int r = 0; r < rows_; r += kRowsPerTile) {
      sum_panel_of<Isa, Product>(vectors, x + int64_t{r} * kLinearSteps, panel, steps,
                                 s_.sums + r * s_.sums_stride + column, s_.sums_stride, fresh);
    }
  }

  LinearPlan const& plan_;
  LinearTask const& task_;
  int const rows_;
  LinearScratch s_;
};

}  // namespace fattn::cpu
