#include "backends/cuda/tensor_map.h"

#include <cstring>

#include "backends/cuda/driver.h"
#include "core/error.h"

namespace fattn::cuda {
namespace {

using Encode = PFN_cuTensorMapEncodeTiled_v12000;

Encode encode() {
  static auto const function =
      reinterpret_cast<Encode>(driver_function("cuTensorMapEncodeTiled", 12000));
  check(function != nullptr, ErrorCode::kUnsupported,
        "The CUDA driver has no cuTensorMapEncodeTiled: CUDA 12.0 or later is needed.");
  return function;
}

CUtensorMapDataType driver_type(simt::TileType type) {
  switch (type) {
    case simt::TileType::kF16:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    case simt::TileType::kBF16:
      return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
    case simt::TileType::kF32:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
  }
  throw Error(ErrorCode::kInternal, "unknown element type of a tensor map");
}

CUtensorMapSwizzle driver_swizzle(simt::TileSwizzle swizzle) {
  if (swizzle == simt::TileSwizzle::k128) return CU_TENSOR_MAP_SWIZZLE_128B;
  if (swizzle == simt::TileSwizzle::k64) return CU_TENSOR_MAP_SWIZZLE_64B;
  return CU_TENSOR_MAP_SWIZZLE_NONE;
}

static_assert(sizeof(CUtensorMap) == sizeof(simt::TensorMap));
static_assert(alignof(CUtensorMap) <= alignof(simt::TensorMap));

}  // namespace

simt::TensorMap encode_tensor_map(simt::TileDescription const& d) {
  char const* const mistake = simt::mistake_in(d);
  check(!mistake, ErrorCode::kInternal, "tensor map: ", mistake ? mistake : "");
  constexpr int kMaxRank = simt::TileDescription::kMaxRank;
  cuuint64_t extents[kMaxRank], strides[kMaxRank];
  cuuint32_t box[kMaxRank], steps[kMaxRank];
  for (int axis = 0; axis < d.rank; ++axis) {
    extents[axis] = static_cast<cuuint64_t>(d.extents[axis]);
    if (axis > 0) strides[axis - 1] = static_cast<cuuint64_t>(d.strides[axis]);
    box[axis] = static_cast<cuuint32_t>(d.box[axis]);
    steps[axis] = 1;
  }
  CUtensorMap encoded;
  CUresult const result =
      encode()(&encoded, driver_type(d.type), static_cast<cuuint32_t>(d.rank), d.base, extents,
               strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, driver_swizzle(d.swizzle),
               CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  check(result == CUDA_SUCCESS, ErrorCode::kInternal, "cuTensorMapEncodeTiled failed with ",
        static_cast<int>(result));
  simt::TensorMap map;
  std::memcpy(&map, &encoded, sizeof map);
  return map;
}

}  // namespace fattn::cuda
