#include "simt/host/bulk_copies.h"

#include <atomic>
#include <cstring>

#include "core/half.h"

namespace fattn::simt::host {
namespace {

constexpr int kUnit = 16;

template <class T, class Add>
void add_elements(BulkUnit const& unit, std::byte const* bytes, Add add) {
  for (int i = unit.begin; i < unit.end; i += static_cast<int>(sizeof(T))) {
    T addend;
    std::memcpy(&addend, bytes + i, sizeof addend);
    std::atomic_ref<T> target(*reinterpret_cast<T*>(unit.global + static_cast<uintptr_t>(i)));
    T old = target.load();
    while (!target.compare_exchange_weak(old, add(old, addend))) {
    }
  }
}

void apply(BulkEffect effect, BulkUnit const& unit, std::byte const* bytes) {
  switch (effect) {
    case BulkEffect::kStore:
      std::memcpy(reinterpret_cast<void*>(unit.global + static_cast<uintptr_t>(unit.begin)),
                  bytes + unit.begin, static_cast<size_t>(unit.end - unit.begin));
      return;
    case BulkEffect::kAddF32:
      return add_elements<float>(unit, bytes, [](float a, float b) { return a + b; });
    case BulkEffect::kAddF16:
      return add_elements<uint16_t>(unit, bytes, [](uint16_t a, uint16_t b) {
        return f16_from_f32(f32_from_f16(a) + f32_from_f16(b));
      });
    case BulkEffect::kAddBF16:
      return add_elements<uint16_t>(unit, bytes, [](uint16_t a, uint16_t b) {
        return bf16_from_f32(f32_from_bf16(a) + f32_from_bf16(b));
      });
  }
}

BulkEffect addition_of(TileType type) {
  if (type == TileType::kF32) return BulkEffect::kAddF32;
  return type == TileType::kF16 ? BulkEffect::kAddF16 : BulkEffect::kAddBF16;
}

}  // namespace

BulkCopies::BulkCopies(Block& block)
    : block_(block), storers_(static_cast<size_t>(block.threads())) {}

int BulkCopies::tile_offset(AccessKind kind, TileDescription const& map, int rank,
                            uint32_t address) const {
  if (map.rank != rank)
    block_.fail("names " + std::to_string(rank) + " coordinates in a tensor of " +
                std::to_string(map.rank) + " axes");
  int bytes = bytes_of(map.type);
  for (int axis = 0; axis < rank; ++axis) bytes *= map.box[axis];
  return block_.memory().offset_of(block_, {block_.self(), block_.self(), kind}, address, bytes,
                                   alignment_of(map.swizzle));
}

int BulkCopies::row_offset(AccessKind kind, void const* global, uint32_t address, int bytes) const {
  int const offset = block_.memory().offset_of(block_, {block_.self(), block_.self(), kind},
                                               address, bytes, kUnit);
  if (bytes <= 0 || bytes % kUnit != 0)
    block_.fail(std::string(name_of(kind)) + " of " + std::to_string(bytes) +
                " bytes, expected a multiple of 16");
  if (reinterpret_cast<uintptr_t>(global) % kUnit != 0)
    block_.fail(std::string(name_of(kind)) + ": its place in global memory is not aligned to 16");
  return offset;
}

void BulkCopies::load_tile(uint32_t target, TensorMap const& map, int const* at, int rank,
                           PhaseBarrier& barrier) {
  auto const tile = described(block_, map);
  load(units_of_box(tile, at, tile_offset(AccessKind::kBulkLoad, tile, rank, target)), barrier);
}

void BulkCopies::load_row(uint32_t target, void const* source, int bytes, PhaseBarrier& barrier) {
  load(units_of_row(source, row_offset(AccessKind::kBulkLoad, source, target, bytes), bytes),
       barrier);
}

void BulkCopies::load(std::vector<BulkUnit> units, PhaseBarrier& barrier) {
  auto& memory = block_.memory();
  int const phase = barrier.begin_load();
  Access const access{block_.self(), barrier.agent(), AccessKind::kBulkLoad, Proxy::kAsync};
  for (auto const& unit : units)
    memory.check(block_, access, unit.offset, kUnit,
                 memory.shadow().begin_write(block_.knowledge(), access, unit.offset, kUnit));
  block_.defer([this, units = std::move(units), &barrier, phase] { land(units, barrier, phase); });
}

void BulkCopies::land(std::vector<BulkUnit> const& units, PhaseBarrier& barrier, int phase) {
  auto& memory = block_.memory();
  for (auto const& unit : units) {
    std::byte* const target = memory.bytes_at(unit.offset);
    std::memset(target, 0, kUnit);
    if (unit.begin < unit.end)
      std::memcpy(target + unit.begin,
                  reinterpret_cast<void const*>(unit.global + static_cast<uintptr_t>(unit.begin)),
                  static_cast<size_t>(unit.end - unit.begin));
    memory.shadow().finish_write(block_.knowledge(), barrier.agent(), unit.offset, kUnit);
  }
  barrier.finish_load(phase, static_cast<int>(units.size()) * kUnit);
}

void BulkCopies::store_tile(TensorMap const& map, int const* at, int rank, uint32_t source,
                            bool adds) {
  auto const tile = described(block_, map);
  store(units_of_box(tile, at, tile_offset(AccessKind::kBulkStore, tile, rank, source)),
        adds ? addition_of(tile.type) : BulkEffect::kStore);
}

void BulkCopies::store_row(void* target, uint32_t source, int bytes, BulkEffect effect) {
  store(units_of_row(target, row_offset(AccessKind::kBulkStore, target, source, bytes), bytes),
        effect);
}

void BulkCopies::store(std::vector<BulkUnit> units, BulkEffect effect) {
  auto& storer = mine();
  if (storer.agent < 0)
    storer.agent = block_.add_agent("the bulk stores of thread " + std::to_string(block_.self()));
  Access const access{block_.self(), storer.agent, AccessKind::kBulkStore, Proxy::kAsync};
  for (auto const& unit : units) check_source(access, unit);
  Store store{std::move(units), effect, {}};
  if (!block_.lands_late()) {
    read(store);
    write(store);
  }
  storer.open.push_back(std::move(store));
}

/// What is dropped may hold anything.
void BulkCopies::check_source(Access const& access, BulkUnit const& unit) {
  auto& memory = block_.memory();
  int const size = unit.end - unit.begin == kUnit ? kUnit : 2;
  for (int i = unit.begin; i < unit.end; i += size)
    memory.check(block_, access, unit.offset + i, size,
                 memory.shadow().read(block_.knowledge(), access, unit.offset + i, size));
}

void BulkCopies::read(Store& store) {
  if (!store.bytes.empty()) return;
  store.bytes.resize(store.units.size());
  for (size_t i = 0; i < store.units.size(); ++i)
    std::memcpy(store.bytes[i].data(), block_.memory().bytes_at(store.units[i].offset), kUnit);
}

void BulkCopies::write(Store const& store) {
  for (size_t i = 0; i < store.units.size(); ++i)
    if (store.units[i].begin < store.units[i].end)
      apply(store.effect, store.units[i], store.bytes[i].data());
}

void BulkCopies::commit() {
  auto& storer = mine();
  Group group{std::exchange(storer.open, {}), nullptr};
  if (storer.agent >= 0) {
    Publication publication;
    publication.add_agent(block_.knowledge(), storer.agent);
    group.view = publication.take(block_.knowledge());
  }
  storer.groups.push_back(std::move(group));
}

void BulkCopies::wait(int pending, bool written) {
  auto& groups = mine().groups;
  int const over = static_cast<int>(groups.size()) - pending;
  for (int i = 0; i < over; ++i) {
    auto& group = groups[static_cast<size_t>(i)];
    if (group.read) continue;
    for (auto& store : group.stores) read(store);
    if (group.view) block_.knowledge().acquire(block_.self(), group.view);
    group.read = true;
  }
  for (int i = 0; written && i < over; ++i) {
    if (block_.lands_late())
      for (auto const& store : groups.front().stores) write(store);
    groups.pop_front();
  }
}

void BulkCopies::thread_ends(int thread) {
  auto const& storer = storers_[static_cast<size_t>(thread)];
  if (!storer.open.empty()) block_.fail("ends without having committed its last bulk stores");
  for (auto const& group : storer.groups)
    if (!group.read && !group.stores.empty())
      block_.fail("ends without having waited for its bulk stores to read shared memory");
  wait(0, true);
}

}  // namespace fattn::simt::host
