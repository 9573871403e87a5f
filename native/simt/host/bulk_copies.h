// The unit that copies in bulk. A load lands in its own time; a store is read, landing late, when
// its thread waits for that, and written when it waits for more or ends.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "simt/host/phase_barriers.h"
#include "simt/host/tensor_map.h"

namespace fattn::simt::host {

/// What becomes of the bytes in global memory.
enum class BulkEffect { kStore, kAddF32, kAddF16, kAddBF16 };

class BulkCopies final : public Facility {
 public:
  explicit BulkCopies(Block& block);

  void load_tile(uint32_t target, TensorMap const& map, int const* at, int rank,
                 PhaseBarrier& barrier);
  void load_row(uint32_t target, void const* source, int bytes, PhaseBarrier& barrier);
  void store_tile(TensorMap const& map, int const* at, int rank, uint32_t source, bool adds);
  void store_row(void* target, uint32_t source, int bytes, BulkEffect effect);
  void prefetch(TensorMap const& map) { described(block_, map); }
  void commit();
  /// Until at most `pending` groups of the running thread are not read, or not even written.
  void wait(int pending, bool written);

  void thread_ends(int thread) override;

 private:
  struct Store {
    std::vector<BulkUnit> units;
    BulkEffect effect;
    std::vector<std::array<std::byte, 16>> bytes;  // once they are read
  };
  struct Group {
    std::vector<Store> stores;
    ViewRef view;
    bool read = false;
  };
  struct Storer {  // one thread
    int agent = -1;
    std::vector<Store> open;
    std::deque<Group> groups;
  };

  int tile_offset(AccessKind kind, TileDescription const& map, int rank, uint32_t address) const;
  int row_offset(AccessKind kind, void const* global, uint32_t address, int bytes) const;
  void load(std::vector<BulkUnit> units, PhaseBarrier& barrier);
  void land(std::vector<BulkUnit> const& units, PhaseBarrier& barrier, int phase);
  void store(std::vector<BulkUnit> units, BulkEffect effect);
  void check_source(Access const& access, BulkUnit const& unit);
  void read(Store& store);
  static void write(Store const& store);
  Storer& mine() { return storers_[static_cast<size_t>(block_.self())]; }

  Block& block_;
  std::vector<Storer> storers_;
};

}  // namespace fattn::simt::host
