// Copies between tensors of any strides, with conversion to a float type.
#pragma once

#include "kernels/elementwise/strided.h"

namespace fattn {

struct CopyParams {
  StridedAxes axes;
  void const* source;
  void* target;
  ElementType from, to;  // equal, or `to` is a float type
};

/// Floats round once, to nearest even. Source and target do not overlap. The grid has one axis: a
/// block for every kBlockElements elements.
struct Copy {
  using Params = CopyParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;
  static constexpr int kPerThread = 4;  // so many loads are under way together
  static constexpr int kBlockElements = kThreads * kPerThread;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int64_t const first = int64_t{simt::block_index().x} * kBlockElements + simt::thread_index();
    ElementOffsets offsets[kPerThread] = {};
    uint32_t words[kPerThread] = {};
    FATTN_UNROLL for (int i = 0; i < kPerThread; ++i) {
      int64_t const element = first + i * kThreads;
      if (element >= p.axes.elements) continue;
      offsets[i] = offsets_of(p.axes, element);
      words[i] = load_word(p.source, offsets[i].source, bytes_of(p.from));
    }
    FATTN_UNROLL for (int i = 0; i < kPerThread; ++i) {
      if (first + i * kThreads >= p.axes.elements) continue;
      store_word(p.target, offsets[i].target, bytes_of(p.to), converted(p, words[i]));
    }
  }

 private:
  FATTN_DEVICE static uint32_t converted(Params const& p, uint32_t word) {
    if (p.from == p.to) return word;
    return word_of(p.to, value_of(p.from, word, p.to != ElementType::kF32));
  }

  FATTN_DEVICE static float value_of(ElementType type, uint32_t word, bool rounds_on) {
    uint16_t const half = static_cast<uint16_t>(word);
    if (type == ElementType::kF32) return simt::float_of_bits(word);
    if (type == ElementType::kF16) return simt::to_float(simt::F16{half});
    if (type == ElementType::kBF16) return simt::to_float(simt::BF16{half});
    if (type == ElementType::kU8) return static_cast<float>(word);
    int32_t const integer = static_cast<int32_t>(word);
    return rounds_on ? rounded_to_odd(integer) : static_cast<float>(integer);
  }

  /// An integer as a float that rounds further as the integer itself would: the bits for which
  /// there is no room are folded into one that remembers them.
  FATTN_DEVICE static float rounded_to_odd(int32_t integer) {
    uint32_t const bits = static_cast<uint32_t>(integer);
    uint32_t magnitude = integer < 0 ? 0 - bits : bits;
    constexpr uint32_t kLost = 0xff;
    if (magnitude >> 24 != 0 && (magnitude & kLost) != 0)
      magnitude = (magnitude & ~kLost) | (kLost + 1);
    float const value = static_cast<float>(magnitude);
    return integer < 0 ? -value : value;
  }
};

}  // namespace fattn
