#include "backends/emulated/emulated_memory.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace fattn::emulated {
namespace {

constexpr std::align_val_t kAlignment{256};

}  // namespace

EmulatedMemory::~EmulatedMemory() {
  for (auto const& [memory, block] : blocks_)
    ::operator delete(const_cast<char*>(memory), kAlignment);
}

void* EmulatedMemory::allocate(int64_t bytes, int64_t limit) {
  std::lock_guard const lock(mutex_);
  if (bytes > limit - used_) return nullptr;
  auto* const memory = static_cast<char*>(
      ::operator new(static_cast<size_t>(std::max<int64_t>(1, bytes)), kAlignment));
  std::memset(memory, 0xff, static_cast<size_t>(bytes));
  blocks_[memory] = {bytes, true};
  used_ += bytes;
  return memory;
}

void EmulatedMemory::uncount(void* memory) {
  std::lock_guard const lock(mutex_);
  Block& block = blocks_.at(static_cast<char const*>(memory));
  if (block.counted) used_ -= block.bytes;
  block.counted = false;
}

void EmulatedMemory::release(void* memory) {
  uncount(memory);
  std::lock_guard const lock(mutex_);
  blocks_.erase(static_cast<char const*>(memory));
  ::operator delete(memory, kAlignment);
}

bool EmulatedMemory::contains(void const* address) {
  std::lock_guard const lock(mutex_);
  auto const* const at = static_cast<char const*>(address);
  auto const after = blocks_.upper_bound(at);
  if (after == blocks_.begin()) return false;
  auto const& [memory, block] = *std::prev(after);
  return at < memory + std::max<int64_t>(1, block.bytes);
}

gpu::MemoryFacts EmulatedMemory::facts(int64_t limit) {
  std::lock_guard const lock(mutex_);
  return {.free = limit - used_, .total = limit, .pool_held = used_, .pool_used = used_};
}

int64_t EmulatedMemory::blocks() {
  std::lock_guard const lock(mutex_);
  return static_cast<int64_t>(blocks_.size());
}

}  // namespace fattn::emulated
