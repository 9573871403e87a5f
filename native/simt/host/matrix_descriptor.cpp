#include "simt/host/matrix_descriptor.h"

namespace fattn::simt::host {
namespace {

constexpr int kDepthBytes = 32;
constexpr uint64_t kUsedBits = 0xc000'3fff'3fff'3fff;

int field(uint64_t bits, int from) { return static_cast<int>(bits >> from & 0x3fff) << 4; }

}  // namespace

MatrixWalk::MatrixWalk(MatrixDescriptor descriptor, Major major, int rows)
    : bits_(descriptor.bits),
      major_(major),
      rows_(rows),
      start_(field(bits_, 0)),
      leading_(field(bits_, 16)),
      stride_(field(bits_, 32)) {
  uint64_t const mode = bits_ >> 62;
  row_bytes_ = mode == 1 ? 128 : mode == 2 ? 64 : 0;
}

std::string MatrixWalk::mistake() const {
  if (row_bytes_ == 0) return "its swizzle is neither of 128 nor of 64 bytes";
  if ((bits_ & ~kUsedBits) != 0) return "bits are set that no field of it has";
  std::string const place = "its start address " + std::to_string(start_) + " ";
  if ((start_ >> 7 & (row_bytes_ / 16 - 1)) != 0)
    return place + "is not in the first row of 8 of a panel aligned to " +
           std::to_string(8 * row_bytes_) + " bytes";
  int const in_row = start_ % row_bytes_;
  if (runs_along_k() && in_row + kDepthBytes > row_bytes_)
    return place + "lies so that 16 columns run over the end of the row of the panel";
  if (!runs_along_k() && in_row != 0) return place + "is not the beginning of a row of a panel";
  if (!runs_along_k() && rows_ > row_bytes_ / 2 && leading_ == 0)
    return "it spans panels, but says nothing of their distance";
  return "";
}

}  // namespace fattn::simt::host
