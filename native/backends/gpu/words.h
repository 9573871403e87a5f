#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "backends/gpu/runtime.h"

namespace fattn::gpu {

/// Small pieces of pinned memory, 64 bytes each, for what device and host tell one another word by
/// word. They are zero when handed out.
class Words {
 public:
  static constexpr int kWords = 16;  // uint32_t per piece

  explicit Words(Runtime& runtime) : runtime_(runtime) {}
  ~Words();
  Words(Words const&) = delete;
  Words& operator=(Words const&) = delete;

  /// Throws ERR_OUT_OF_MEMORY.
  uint32_t* take();
  /// The device does not touch it any more.
  void give_back(uint32_t* piece);

 private:
  Runtime& runtime_;
  std::mutex mutex_;
  std::vector<void*> pages_;
  std::vector<uint32_t*> free_;
};

}  // namespace fattn::gpu
