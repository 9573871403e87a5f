// How the scratch of one thread is divided.
#pragma once

#include "backends/cpu/linear/plan.h"

namespace fattn::cpu {

struct LinearScratch {
  int32_t* x;      // [rows, kLinearSteps] float32 or bfloat16 pairs
  int32_t* panel;  // [kLinearSteps, kMaxPanel]
  float* sums;     // [rows, sums_stride]
  int64_t sums_stride;

  FATTN_HOST_DEVICE static LinearScratch lay_out(Arena& arena, int64_t rows, int64_t columns) {
    int64_t const padded = round_up(rows, kRowsPerTile);
    LinearScratch s;
    s.x = arena.take<int32_t>(padded * kLinearSteps);
    s.panel = arena.take<int32_t>(kLinearSteps * kMaxPanel);
    s.sums_stride = round_up(columns, kMaxPanel);
    s.sums = arena.take<float>(padded * s.sums_stride);
    return s;
  }
};

/// Of the product of few rows: x as the kernel multiplies it.
struct StreamScratch {
  float* x;  // [kStreamRows, x_stride]
  int64_t x_stride;

  FATTN_HOST_DEVICE static StreamScratch lay_out(Arena& arena, int64_t rows, int64_t in) {
    StreamScratch s;
    s.x_stride = round_up(in, 2 * kMaxLanes);
    s.x = arena.take<float>(rows * s.x_stride);
    return s;
  }
};

}  // namespace fattn::cpu
