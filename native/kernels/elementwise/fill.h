// One value for every element of a tensor.
#pragma once

#include "kernels/elementwise/strided.h"

namespace fattn {

struct FillParams {
  StridedAxes axes;
  void* target;
  int32_t bytes;  // of an element
  uint32_t word;  // its bits
};

/// The grid has one axis: a block for every kBlockElements elements.
struct Fill {
  using Params = FillParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;
  static constexpr int kPerThread = 4;
  static constexpr int kBlockElements = kThreads * kPerThread;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const first = int64_t{simt::block_index().x} * kBlockElements + simt::thread_index();
    FATTN_UNROLL for (int i = 0; i < kPerThread; ++i) {
      int64_t const element = first + i * kThreads;
      if (element < p.axes.elements)
        store_word(p.target, offsets_of(p.axes, element).target, p.bytes, p.word);
    }
  }
};

}  // namespace fattn
