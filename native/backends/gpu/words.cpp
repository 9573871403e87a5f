#include "backends/gpu/words.h"

#include <algorithm>

#include "core/error.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kPageBytes = 4096;

}  // namespace

Words::~Words() {
  for (void* const page : pages_) runtime_.release_pinned(page);
}

uint32_t* Words::take() {
  std::lock_guard const lock(mutex_);
  if (free_.empty()) {
    void* const page = runtime_.allocate_pinned(kPageBytes);
    check(page != nullptr, ErrorCode::kOutOfMemory, name_of(runtime_.device()),
          ": no pinned memory for ", kPageBytes, " bytes");
    pages_.push_back(page);
    constexpr int64_t kPieces = kPageBytes / (kWords * static_cast<int64_t>(sizeof(uint32_t)));
    for (int64_t i = kPieces - 1; i >= 0; --i)
      free_.push_back(static_cast<uint32_t*>(page) + i * kWords);
  }
  uint32_t* const piece = free_.back();
  free_.pop_back();
  std::fill_n(piece, kWords, 0u);
  return piece;
}

void Words::give_back(uint32_t* piece) {
  std::lock_guard const lock(mutex_);
  free_.push_back(piece);
}

}  // namespace fattn::gpu
