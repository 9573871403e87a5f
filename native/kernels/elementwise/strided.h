// Elements of tensors of any strides, one at a time.
#pragma once

#include <cstddef>

#include "simt/simt.h"

namespace fattn {

/// The axes that one or two tensors of equal sizes are walked along, the last fastest. The host
/// leaves out axes of size 1 and merges those that lie one behind the other in both tensors.
struct StridedAxes {
  static constexpr int kMax = 8;
  int64_t elements;
  int64_t size[kMax];
  int64_t target[kMax];  // element strides of what is written
  int64_t source[kMax];  // of what is read, 0 on broadcast axes; unset where nothing is
  int32_t rank;          // 0: a single element
};

struct ElementOffsets {
  int64_t target, source;
};

template <class Index>
FATTN_DEVICE ElementOffsets offsets_by(StridedAxes const& axes, Index element) {
  ElementOffsets offsets{0, 0};
  for (int axis = axes.rank - 1; axis >= 0; --axis) {
    Index const size = static_cast<Index>(axes.size[axis]);
    Index const rest = axis > 0 ? element / size : 0;
    int64_t const at = static_cast<int64_t>(element - rest * size);
    offsets.target += at * axes.target[axis];
    offsets.source += at * axes.source[axis];
    element = rest;
  }
  return offsets;
}

/// Where element `element` of the walk lies. 32-bit divisions, where they suffice, take a fraction
/// of the time of 64-bit ones.
FATTN_DEVICE ElementOffsets offsets_of(StridedAxes const& axes, int64_t element) {
  if (axes.elements <= UINT32_MAX) return offsets_by(axes, static_cast<uint32_t>(element));
  return offsets_by(axes, static_cast<uint64_t>(element));
}

/// The bits of an element of `bytes` 1, 2 or 4, in the low end of a word.
FATTN_DEVICE uint32_t load_word(void const* data, int64_t offset, int32_t bytes) {
  if (bytes == 4) return static_cast<uint32_t const*>(data)[offset];
  if (bytes == 2) return static_cast<uint16_t const*>(data)[offset];
  return static_cast<uint8_t const*>(data)[offset];
}

FATTN_DEVICE void store_word(void* data, int64_t offset, int32_t bytes, uint32_t word) {
  if (bytes == 4)
    static_cast<uint32_t*>(data)[offset] = word;
  else if (bytes == 2)
    static_cast<uint16_t*>(data)[offset] = static_cast<uint16_t>(word);
  else
    static_cast<uint8_t*>(data)[offset] = static_cast<uint8_t>(word);
}

/// Element types with the numbers of core/dtype.h; bool is u8.
enum class ElementType : int32_t { kF32 = 0, kF16 = 1, kBF16 = 2, kI32 = 3, kU8 = 4 };

FATTN_HOST_DEVICE int32_t bytes_of(ElementType type) {
  if (type == ElementType::kF32 || type == ElementType::kI32) return 4;
  return type == ElementType::kU8 ? 1 : 2;
}

/// The bits of a number of a float type, rounded once, to nearest even.
FATTN_DEVICE uint32_t word_of(ElementType type, float value) {
  if (type == ElementType::kF16) return simt::round_to<simt::F16>(value).bits;
  if (type == ElementType::kBF16) return simt::round_to<simt::BF16>(value).bits;
  return simt::bits_of(value);
}

}  // namespace fattn
