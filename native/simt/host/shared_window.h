// The shared memory of a block: its bytes, and the check of every access to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "simt/host/access.h"
#include "simt/host/shadow.h"

namespace fattn::simt::host {

class Block;

class SharedWindow {
 public:
  /// For a new block: `bytes` bytes that are NaN in every type, at an address that is 1024 times
  /// something, but not 0.
  void reset(int bytes, uint32_t address);
  uint32_t address() const { return address_; }

  /// Loads and stores of the running thread, `size` a power of two up to 16.
  void load(Block& block, AccessKind kind, uint32_t address, int size, void* value);
  void store(Block& block, AccessKind kind, uint32_t address, int size, void const* value);
  /// The same in the name of any thread: the one that gave the address to a collective.
  void load(Block& block, Access const& access, uint32_t address, int size, void* value);
  void store(Block& block, Access const& access, uint32_t address, int size, void const* value);

  /// Byte offset of an address whose `size` bytes lie inside and which is a multiple of
  /// `alignment`; fails where they do not.
  int offset_of(Block const& block, Access const& access, uint32_t address, int size,
                int alignment) const;
  std::byte* bytes_at(int offset) { return bytes_.data() + offset; }
  Shadow& shadow() { return shadow_; }
  /// Fails where there is a mistake, in the words that fit it.
  void check(Block const& block, Access const& access, int offset, int size,
             Mistake const& mistake) const;

 private:
  std::vector<std::byte> bytes_;
  uint32_t address_ = 0;
  int size_ = 0;
  Shadow shadow_;
};

}  // namespace fattn::simt::host
