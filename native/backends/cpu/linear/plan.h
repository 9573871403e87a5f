// A planned matrix product: plain data that the kernels of every instruction path read.
#pragma once

#include <cstdint>

#include "backends/cpu/product/layout.h"
#include "kernels/matrix_rows.h"

namespace fattn::cpu {

// Blocks of the product of many rows. A task keeps a block of x packed and takes the columns panel
// by panel, so that each element of w is packed once per 288 rows and each element of x once per
// 512 columns. The block of x (432 KB) and a panel of w (96 KB) share the second-level cache; the
// sums pass through, once per 384 steps. (Zen 4, 2048 cubed on one loaded core, processor time,
// best of nine taken in turn: 166 ms; with 256 steps, 384 rows and 256 columns 170 ms.)
constexpr int kLinearSteps = 384;  // of depth: float32 elements, or pairs of bfloat16
constexpr int kLinearRows = 288;
constexpr int kLinearColumns = 512;

// The product of few rows, which reads w where it lies.
constexpr int kStreamRows = 16;     // at most so many rows go there
constexpr int kStreamColumns = 64;  // columns that are finished together

struct LinearPlan {
  bool (*stopped)(void const* job) = nullptr;  // results are no longer wanted; polled per panel
  void const* job = nullptr;

  DType dtype = DType::f32;
  MatrixRows x{}, out{};
  char const* w = nullptr;
  int64_t w_row = 0;           // elements from one row of w to the next
  char const* bias = nullptr;  // null: none
  int64_t rows = 0, in = 0, columns = 0;
  bool bf16_dot = false;  // products on bfloat16 pairs

  int32_t rows_per_task = 0, columns_per_task = 0;
  int64_t scratch = 0;  // bytes per thread
};

/// Work for one thread: a rectangle of out.
struct LinearTask {
  int64_t row_begin, row_end;
  int64_t column_begin, column_end;
};

}  // namespace fattn::cpu
