#pragma once

#include <cstddef>
#include <utility>

namespace fattn::cpu {

constexpr size_t kHugePage = size_t{2} << 20;

/// An owning block of host memory, 64-byte aligned, uninitialised. From `huge_from` bytes on it is
/// aligned to 2 MiB and asks for huge pages.
class HostBlock {
 public:
  HostBlock() = default;
  /// Zero bytes are legal and give a pointer of their own. Throws ERR_OUT_OF_MEMORY.
  explicit HostBlock(size_t bytes, size_t huge_from = 2 * kHugePage);
  HostBlock(HostBlock&& other) noexcept { swap(other); }
  HostBlock& operator=(HostBlock&& other) noexcept {
    HostBlock(std::move(other)).swap(*this);
    return *this;
  }
  ~HostBlock();

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }  // as asked for

 private:
  void swap(HostBlock& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(alignment_, other.alignment_);
  }

  void* data_ = nullptr;
  size_t bytes_ = 0;
  size_t alignment_ = 0;
};

}  // namespace fattn::cpu
