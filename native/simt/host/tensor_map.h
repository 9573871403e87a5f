// Tensor maps of the emulator: the description itself, with a mark. And the walk over a box.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simt/tensor_map.h"

namespace fattn::simt::host {

class Block;

/// For kernels that run on the emulator. Throws EmulationError where the description is wrong.
TensorMap encode_tensor_map(TileDescription const& description);

/// What a kernel is handed; fails where that is no tensor map, or not where the hardware wants it.
TileDescription described(Block const& block, TensorMap const& map);

/// 16 bytes of a bulk copy, of which [begin, end) lie inside the tensor.
struct BulkUnit {
  int offset;        // in shared memory
  uintptr_t global;  // of its first byte, were that inside
  int begin, end;
};

/// The box at `at`, in the order of the tile; its tile begins at `offset` of a memory that begins
/// at a multiple of 1024.
std::vector<BulkUnit> units_of_box(TileDescription const& map, int const* at, int offset);
/// `bytes` bytes without a map.
std::vector<BulkUnit> units_of_row(void const* global, int offset, int bytes);

/// A shared address as the swizzle mixes it.
constexpr int swizzled(TileSwizzle swizzle, int address) {
  if (swizzle == TileSwizzle::k128) return address ^ (address >> 7 & 7) << 4;
  if (swizzle == TileSwizzle::k64) return address ^ (address >> 7 & 3) << 4;
  return address;
}
/// What the first byte of a tile must be a multiple of.
constexpr int alignment_of(TileSwizzle swizzle) {
  return swizzle == TileSwizzle::kNone ? 128 : 8 * static_cast<int>(swizzle);
}

}  // namespace fattn::simt::host
