// Standard normal numbers for a tensor.
#pragma once

#include "kernels/elementwise/normals.h"
#include "kernels/elementwise/strided.h"

namespace fattn {

struct RandomParams {
  StridedAxes axes;  // row-major: element i of the walk is element i of the sequence
  void* target;
  ElementType type;  // a float type
  uint64_t seed;
};

/// The grid has one axis: a block for every kBlockElements elements.
struct Random {
  using Params = RandomParams;
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;
  static constexpr int kPerThread = 4;  // one draw
  static constexpr int kBlockElements = kThreads * kPerThread;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const draw = int64_t{simt::block_index().x} * kThreads + simt::thread_index();
    if (draw * kPerThread >= p.axes.elements) return;
    Normals const drawn = normals(p.seed, static_cast<uint64_t>(draw));
    FATTN_UNROLL for (int i = 0; i < kPerThread; ++i) {
      int64_t const element = draw * kPerThread + i;
      if (element >= p.axes.elements) return;
      store_word(p.target, offsets_of(p.axes, element).target, bytes_of(p.type),
                 word_of(p.type, drawn.value[i]));
    }
  }
};

}  // namespace fattn
