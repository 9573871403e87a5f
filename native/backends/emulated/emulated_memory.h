#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "backends/gpu/runtime.h"

namespace fattn::emulated {

/// Memory of the emulated device: blocks of the host, counted against a limit. A new block holds
/// 0xff, which is NaN in every float type.
class EmulatedMemory {
 public:
  ~EmulatedMemory();
  /// Null where `limit` would be passed.
  void* allocate(int64_t bytes, int64_t limit);
  /// From now on the block does not count: later work of its queue may have the memory.
  void uncount(void* memory);
  /// Gives the block back to the host, where the sanitizers see later accesses.
  void release(void* memory);
  bool contains(void const* address);
  gpu::MemoryFacts facts(int64_t limit);
  int64_t blocks();

 private:
  struct Block {
    int64_t bytes;
    bool counted;
  };
  std::mutex mutex_;
  std::map<char const*, Block> blocks_;
  int64_t used_ = 0;
};

}  // namespace fattn::emulated
