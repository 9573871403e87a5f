#include "simt/host/tensor_map.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "simt/host/block.h"

namespace fattn::simt::host {
namespace {

constexpr uint64_t kMark = 0x70616d20726f736e;
constexpr int kUnit = 16;

struct Encoded {
  uint64_t mark;
  TileDescription description;
};
static_assert(sizeof(Encoded) <= sizeof(TensorMap));

}  // namespace

TensorMap encode_tensor_map(TileDescription const& description) {
  if (char const* const mistake = mistake_in(description))
    throw EmulationError(std::string("tensor map: ") + mistake);
  Encoded const encoded{kMark, description};
  TensorMap map{};
  std::memcpy(&map, &encoded, sizeof encoded);
  return map;
}

TileDescription described(Block const& block, TensorMap const& map) {
  auto const params = reinterpret_cast<uintptr_t>(block.launch().params);
  auto const address = reinterpret_cast<uintptr_t>(&map);
  if (address < params || address + sizeof map > params + block.launch().kernel.params_bytes)
    block.fail("uses a tensor map that does not lie in the parameters of the kernel");
  if ((address - params) % alignof(TensorMap) != 0)
    block.fail("uses a tensor map that is not aligned to 128 bytes");
  Encoded encoded;
  std::memcpy(&encoded, &map, sizeof encoded);
  if (encoded.mark != kMark) block.fail("uses a tensor map that was never encoded");
  return encoded.description;
}

std::vector<BulkUnit> units_of_box(TileDescription const& map, int const* at, int offset) {
  int const element = bytes_of(map.type);
  int const row_bytes = map.box[0] * element;
  int64_t const row_end = map.extents[0] * element;  // of the tensor
  int64_t const row_begin = int64_t{at[0]} * element;
  int rows = 1;
  for (int axis = 1; axis < map.rank; ++axis) rows *= map.box[axis];
  std::vector<BulkUnit> units;
  units.reserve(static_cast<size_t>(rows * (row_bytes / kUnit)));
  for (int row = 0; row < rows; ++row) {
    bool inside = true;
    int64_t place = reinterpret_cast<intptr_t>(map.base) + row_begin;
    for (int axis = 1, left = row; axis < map.rank; left /= map.box[axis++]) {
      int64_t const index = int64_t{at[axis]} + left % map.box[axis];
      inside = inside && index >= 0 && index < map.extents[axis];
      place += index * map.strides[axis];
    }
    for (int byte = 0; byte < row_bytes; byte += kUnit) {
      auto const clip = [&](int64_t limit) {
        return static_cast<int>(std::clamp<int64_t>(limit - row_begin - byte, 0, kUnit));
      };
      units.push_back({swizzled(map.swizzle, offset + row * row_bytes + byte),
                       static_cast<uintptr_t>(place + byte), inside ? clip(0) : 0,
                       inside ? clip(row_end) : 0});
    }
  }
  return units;
}

std::vector<BulkUnit> units_of_row(void const* global, int offset, int bytes) {
  std::vector<BulkUnit> units;
  for (int byte = 0; byte < bytes; byte += kUnit)
    units.push_back({offset + byte,
                     reinterpret_cast<uintptr_t>(global) + static_cast<uintptr_t>(byte), 0, kUnit});
  return units;
}

}  // namespace fattn::simt::host
