#include "backends/cpu/host_block.h"

#include <cstdint>
#include <new>

#include "backends/cpu/host.h"
#include "core/error.h"

namespace fattn::cpu {
namespace {

constexpr size_t kLine = 64;

/// The system may promise memory it does not have and kill the process when it is touched, so what
/// no machine like this one can hold is refused here.
size_t most_bytes() {
  static size_t const most = [] {
    int64_t const physical = physical_memory_bytes();
    return physical > 0 ? static_cast<size_t>(physical) : size_t{1} << 47;
  }();
  return most;
}

}  // namespace

HostBlock::HostBlock(size_t bytes, size_t huge_from) {
  check(bytes <= most_bytes(), ErrorCode::kOutOfMemory, "cannot allocate ", bytes,
        " bytes: this machine has ", most_bytes());
  // Whole lines: a vector load at the very end of a tensor then stays inside the block.
  size_t const lines = bytes == 0 ? kLine : (bytes + kLine - 1) / kLine * kLine;
  size_t const alignment = bytes >= huge_from ? kHugePage : kLine;
  data_ = ::operator new(lines, std::align_val_t{alignment}, std::nothrow);
  check(data_ != nullptr, ErrorCode::kOutOfMemory, "cannot allocate ", bytes, " bytes");
  bytes_ = bytes;
  alignment_ = alignment;
  if (alignment == kHugePage) prefer_huge_pages(data_, lines);
}

HostBlock::~HostBlock() {
  if (data_ != nullptr) ::operator delete(data_, std::align_val_t{alignment_});
}

}  // namespace fattn::cpu
