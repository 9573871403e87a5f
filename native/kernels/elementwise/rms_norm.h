// Root-mean-square norm of the rows of a tensor (arXiv:1910.07467). One warp per row.
#pragma once

#include "kernels/matrix_rows.h"
#include "kernels/square_root.h"
#include "kernels/warp.h"

namespace fattn {

struct RmsNormParams {
  MatrixRows x, out;   // the same, or disjoint
  void const* weight;  // [width]; null: ones
  bool wide_weight;    // float32, whatever the rows are
  int64_t rows;
  int32_t width;
  float epsilon;  // added to the mean square
};

/// A row is read twice, the second time from the first-level cache. The grid has one axis: kRows
/// rows to the block.
template <class Element>
struct RmsNorm {
  using Params = RmsNormParams;
  static constexpr int kRows = 4;
  static constexpr int kThreads = simt::kWarpSize * kRows;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const index = int64_t{simt::block_index().x} * kRows + simt::warp_index();
    if (index >= p.rows) return;
    Element const* const x = p.x.row<Element>(index);
    Element* const out = p.out.row<Element>(index);
    float const scale = 1 / root_mean_square(p, x);
    for (int32_t c = simt::lane_index(); c < p.width; c += simt::kWarpSize)
      out[c] = simt::round_to<Element>(simt::to_float(x[c]) * scale * weight(p, c));
  }

 private:
  /// Beyond the range of float32 infinite, as its square is.
  FATTN_DEVICE static float root_mean_square(Params const& p, Element const* x) {
    float sum = 0;
    for (int32_t c = simt::lane_index(); c < p.width; c += simt::kWarpSize) {
      float const value = simt::to_float(x[c]);
      sum = simt::fused_multiply_add(value, value, sum);
    }
    return square_root(warp_sum(sum) / static_cast<float>(p.width) + p.epsilon);
  }

  FATTN_DEVICE static float weight(Params const& p, int32_t column) {
    if (p.weight == nullptr) return 1;
    if (p.wide_weight) return static_cast<float const*>(p.weight)[column];
    return simt::to_float(static_cast<Element const*>(p.weight)[column]);
  }
};

}  // namespace fattn
