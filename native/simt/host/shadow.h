// What the emulator knows of each byte of shared memory: who wrote and who read it last, by which
// kind of access, and whether an asynchronous write is under way. From that, and from what threads
// know of each other (knowledge.h), it finds
//   - reads of bytes that nobody has written,
//   - two accesses, one a write, that nothing orders (a race), and which accesses these were,
//   - accesses to bytes that an asynchronous copy may be writing,
//   - accesses through the async proxy to what was written through the generic one, with no fence.
//
// Asynchronous work (the hooks for copies and matrix units of every kind):
//   1. At the issue call `read` or `begin_write` with the issuing thread and the proxy that will do
//      the work. A read that lasts beyond the issue (bulk store, wgmma) is entered for an agent
//      (Knowledge::add_agent) as `actor`; who acquires the agent's publication may then overwrite.
//      From begin_write on the bytes are in flight: nobody may touch them.
//   2. When the work has ended call `finish_write` with whoever is then known to have done it: the
//      issuing thread, where its own wait is what ends the work (cp.async), or an agent, whose
//      publication others acquire (a barrier in shared memory).
// Granularity: a byte. Neighbours with the same history share a cell, up to 16 bytes; an access of
// less splits the cell.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "simt/host/access.h"
#include "simt/host/knowledge.h"

namespace fattn::simt::host {

/// What is known of some neighbouring bytes.
struct Cell {
  uint32_t write_clock = 0;
  uint32_t read_clock = 0;  // or, of many readers, the index of their ReadSet
  uint16_t writer = 0;
  uint16_t reader = 0;
  AccessKind write_kind = AccessKind::kStore;
  AccessKind read_kind = AccessKind::kLoad;
  enum State : uint8_t { kUnwritten, kWritten, kInFlight } state = kUnwritten;
  enum Readers : uint8_t { kNone, kOne, kMany } readers = kNone;
};

/// Readers of a cell that nothing orders among one another: the last access of each.
struct ReadSet {
  struct Entry {
    uint32_t clock = 0;  // 0: not among them
    AccessKind kind = AccessKind::kLoad;
  };
  std::vector<Entry> by_actor;
  std::vector<uint16_t> actors;  // those among them

  void add(int actor, Entry entry);
  void clear();
};

class Shadow {
 public:
  /// A memory of `bytes` bytes, a multiple of 16, all unwritten.
  void reset(int bytes);

  /// Checks an access and, where it is fine, enters it. `offset` and `size` lie within the memory;
  /// `size` is a power of two up to 16 and divides `offset`.
  Mistake read(Knowledge const& knowledge, Access const& access, int offset, int size);
  Mistake write(Knowledge const& knowledge, Access const& access, int offset, int size);
  /// As write, and the bytes are in flight until finish_write.
  Mistake begin_write(Knowledge const& knowledge, Access const& access, int offset, int size);
  void finish_write(Knowledge const& knowledge, int actor, int offset, int size);

 private:
  struct Cells {
    Cell* begin;
    Cell* end;
  };
  Cells cells_of(int offset, int size);
  void split(int granule, int unit);
  Mistake check_write(Knowledge const& knowledge, Access const& access, Cell const& cell) const;
  Mistake enter_write(Knowledge const& knowledge, Access const& access, int offset, int size,
                      Cell::State state);
  void enter_read(Knowledge const& knowledge, Access const& access, Cell& cell);
  uint32_t new_set();
  void drop_readers(Cell& cell);

  std::vector<Cell> cells_;     // 16 for every 16 bytes, of which 16 / unit are in use
  std::vector<uint8_t> units_;  // bytes per cell, for every 16 bytes
  std::vector<std::unique_ptr<ReadSet>> sets_;
  std::vector<uint32_t> free_sets_;
};

}  // namespace fattn::simt::host
