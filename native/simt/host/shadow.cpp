#include "simt/host/shadow.h"

#include <algorithm>

namespace fattn::simt::host {
namespace {

constexpr int kGranule = 16;

/// The verdict on `access` after an earlier one of `actor` at `clock`, of which one wrote.
Verdict order(Knowledge const& knowledge, Access const& access, int actor, uint32_t clock) {
  if (!knowledge.knows(access.thread, actor, clock)) return Verdict::kRace;
  bool const crosses = access.proxy == Proxy::kAsync && actor < knowledge.threads();
  if (crosses && !knowledge.knows_fenced(access.thread, actor, clock)) return Verdict::kUnfenced;
  return Verdict::kFine;
}

Mistake in_flight(Cell const& cell) {
  return {Verdict::kInFlight, cell.writer, cell.write_kind, true};
}

Mistake after_write(Knowledge const& knowledge, Access const& access, Cell const& cell) {
  auto const verdict = order(knowledge, access, cell.writer, cell.write_clock);
  return {verdict, cell.writer, cell.write_kind, true};
}

}  // namespace

void ReadSet::add(int actor, Entry entry) {
  auto const index = static_cast<size_t>(actor);
  if (by_actor.size() <= index) by_actor.resize(index + 1);
  if (by_actor[index].clock == 0) actors.push_back(static_cast<uint16_t>(actor));
  by_actor[index] = entry;
}

void ReadSet::clear() {
  for (auto const actor : actors) by_actor[actor] = {};
  actors.clear();
}

void Shadow::reset(int bytes) {
  auto const granules = static_cast<size_t>(bytes / kGranule);
  units_.assign(granules, kGranule);
  cells_.resize(granules * kGranule);
  for (size_t i = 0; i < granules; ++i) cells_[i * kGranule] = {};
  free_sets_.clear();
  for (size_t i = 0; i < sets_.size(); ++i) {
    sets_[i]->clear();
    free_sets_.push_back(static_cast<uint32_t>(i));
  }
}

Shadow::Cells Shadow::cells_of(int offset, int size) {
  int const granule = offset / kGranule;
  auto const index = static_cast<size_t>(granule);
  if (size < units_[index]) split(granule, size);
  int const unit = units_[index];
  Cell* const first = &cells_[index * kGranule] + offset % kGranule / unit;
  return {first, first + size / unit};
}

void Shadow::split(int granule, int unit) {
  auto& old_unit = units_[static_cast<size_t>(granule)];
  Cell* const cells = &cells_[static_cast<size_t>(granule) * kGranule];
  int const parts = old_unit / unit;
  for (int i = kGranule / unit - 1; i >= 0; --i) {  // downwards: sources are overwritten last
    Cell const source = cells[i / parts];
    cells[i] = source;
    if (source.readers == Cell::kMany && i % parts != 0) {
      cells[i].read_clock = new_set();
      *sets_[cells[i].read_clock] = *sets_[source.read_clock];
    }
  }
  old_unit = static_cast<uint8_t>(unit);
}

Mistake Shadow::read(Knowledge const& knowledge, Access const& access, int offset, int size) {
  auto const cells = cells_of(offset, size);
  for (Cell* cell = cells.begin; cell != cells.end; ++cell) {
    if (cell->state == Cell::kInFlight) return in_flight(*cell);
    if (cell->state == Cell::kUnwritten) return {Verdict::kUnwritten};
    if (auto const mistake = after_write(knowledge, access, *cell)) return mistake;
    enter_read(knowledge, access, *cell);
  }
  return {};
}

void Shadow::enter_read(Knowledge const& knowledge, Access const& access, Cell& cell) {
  ReadSet::Entry const entry{knowledge.now(access.actor), access.kind};
  if (cell.readers == Cell::kMany) {
    sets_[cell.read_clock]->add(access.actor, entry);
    return;
  }
  // Whoever knows of this read knows of those that this reader knows of; of an agent's only itself.
  bool const replaces = cell.readers == Cell::kNone || cell.reader == access.actor ||
                        (access.actor == access.thread &&
                         knowledge.knows(access.thread, cell.reader, cell.read_clock));
  if (replaces) {
    cell.readers = Cell::kOne;
    cell.reader = static_cast<uint16_t>(access.actor);
    cell.read_kind = entry.kind;
    cell.read_clock = entry.clock;
    return;
  }
  uint32_t const set = new_set();
  sets_[set]->add(cell.reader, {cell.read_clock, cell.read_kind});
  sets_[set]->add(access.actor, entry);
  cell.readers = Cell::kMany;
  cell.read_clock = set;
}

Mistake Shadow::check_write(Knowledge const& knowledge, Access const& access,
                            Cell const& cell) const {
  if (cell.state == Cell::kInFlight) return in_flight(cell);
  if (cell.state == Cell::kWritten) {
    if (auto const mistake = after_write(knowledge, access, cell)) return mistake;
  }
  if (cell.readers == Cell::kOne) {
    auto const verdict = order(knowledge, access, cell.reader, cell.read_clock);
    return {verdict, cell.reader, cell.read_kind, false};
  }
  if (cell.readers == Cell::kMany) {
    auto const& set = *sets_[cell.read_clock];
    for (auto const actor : set.actors) {
      auto const& entry = set.by_actor[actor];
      auto const verdict = order(knowledge, access, actor, entry.clock);
      if (verdict != Verdict::kFine) return {verdict, actor, entry.kind, false};
    }
  }
  return {};
}

Mistake Shadow::enter_write(Knowledge const& knowledge, Access const& access, int offset, int size,
                            Cell::State state) {
  auto cells = cells_of(offset, size);
  for (Cell* cell = cells.begin; cell != cells.end; ++cell)
    if (auto const mistake = check_write(knowledge, access, *cell)) return mistake;
  for (Cell* cell = cells.begin; cell != cells.end; ++cell) drop_readers(*cell);
  if (size == kGranule) {  // one history again
    units_[static_cast<size_t>(offset / kGranule)] = kGranule;
    cells.end = cells.begin + 1;
  }
  for (Cell* cell = cells.begin; cell != cells.end; ++cell) {
    cell->state = state;
    cell->writer = static_cast<uint16_t>(access.actor);
    cell->write_kind = access.kind;
    cell->write_clock = knowledge.now(access.actor);
  }
  return {};
}

Mistake Shadow::write(Knowledge const& knowledge, Access const& access, int offset, int size) {
  return enter_write(knowledge, access, offset, size, Cell::kWritten);
}

Mistake Shadow::begin_write(Knowledge const& knowledge, Access const& access, int offset,
                            int size) {
  return enter_write(knowledge, access, offset, size, Cell::kInFlight);
}

void Shadow::finish_write(Knowledge const& knowledge, int actor, int offset, int size) {
  auto const cells = cells_of(offset, size);
  for (Cell* cell = cells.begin; cell != cells.end; ++cell) {
    cell->state = Cell::kWritten;
    cell->writer = static_cast<uint16_t>(actor);
    cell->write_clock = knowledge.now(actor);
  }
}

uint32_t Shadow::new_set() {
  if (free_sets_.empty()) {
    sets_.push_back(std::make_unique<ReadSet>());
    return static_cast<uint32_t>(sets_.size() - 1);
  }
  uint32_t const set = free_sets_.back();
  free_sets_.pop_back();
  return set;
}

void Shadow::drop_readers(Cell& cell) {
  if (cell.readers == Cell::kMany) {
    sets_[cell.read_clock]->clear();
    free_sets_.push_back(cell.read_clock);
  }
  cell.readers = Cell::kNone;
}

}  // namespace fattn::simt::host
