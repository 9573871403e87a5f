// How bulk copies find the boxes of a tensor in global memory. The host describes the tensor and
// has the description encoded (backends/cuda by cuTensorMapEncodeTiled, simt/host for the
// emulator); a kernel has the result in its Params, where it must stay: it is used by address.
#pragma once

#include <cstdint>

namespace fattn::simt {

/// PTX ISA 5.5.8; CUDA 13 declares CUtensorMap with this alignment.
struct alignas(128) TensorMap {
  uint64_t opaque[16];
};

enum class TileType : int32_t { kF16, kBF16, kF32 };
/// Which bits of a shared address are mixed, so that neither rows nor columns of a tile collide:
/// 16-byte units of 1024 (512) bytes, address bits 4-6 xor bits 7-9 (4-5 xor 7-8). PTX ISA 5.5.6.
enum class TileSwizzle : int32_t { kNone = 0, k128 = 128, k64 = 64 };

/// A tensor of `rank` axes, innermost first, and the box of it that one copy moves.
struct TileDescription {
  static constexpr int kMaxRank = 4;

  void* base;  // aligned to 16
  TileType type;
  TileSwizzle swizzle;
  int32_t rank;
  int64_t extents[kMaxRank];  // in elements, 1 .. 2^32
  int64_t strides[kMaxRank];  // in bytes, multiples of 16 below 2^40; that of axis 0 is not used
  int32_t box[kMaxRank];      // in elements, 1 .. 256
};

constexpr int bytes_of(TileType type) { return type == TileType::kF32 ? 4 : 2; }

/// What is wrong with a description; null when nothing is. Stricter than the driver where it leaves
/// the layout in shared memory open: a swizzled row is as long as the swizzle is wide.
inline char const* mistake_in(TileDescription const& d) {
  if (reinterpret_cast<uintptr_t>(d.base) % 16 != 0) return "the base is not aligned to 16 bytes";
  if (d.rank < 1 || d.rank > TileDescription::kMaxRank) return "rank is not 1 .. 4";
  for (int axis = 0; axis < d.rank; ++axis) {
    if (d.extents[axis] < 1 || d.extents[axis] > int64_t{1} << 32)
      return "an extent is not 1 .. 2^32";
    if (d.box[axis] < 1 || d.box[axis] > 256) return "a side of the box is not 1 .. 256";
    if (axis > 0 && (d.strides[axis] < 0 || d.strides[axis] >= int64_t{1} << 40))
      return "a stride is not 0 .. 2^40";
    if (axis > 0 && d.strides[axis] % 16 != 0) return "a stride is not a multiple of 16 bytes";
  }
  int const row = d.box[0] * bytes_of(d.type);
  if (row % 16 != 0) return "a row of the box is not a multiple of 16 bytes";
  if (d.swizzle != TileSwizzle::kNone && row != static_cast<int>(d.swizzle))
    return "a row of the box is not as long as the swizzle is wide";
  return nullptr;
}

}  // namespace fattn::simt
