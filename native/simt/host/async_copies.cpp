#include "simt/host/async_copies.h"

#include <cstring>
#include <utility>

namespace fattn::simt::host {

AsyncCopies::AsyncCopies(Block& block)
    : block_(block), copiers_(static_cast<size_t>(block.threads())) {}

void AsyncCopies::issue(uint32_t target, void const* source, int size) {
  auto& memory = block_.memory();
  Access const access{block_.self(), block_.self(), AccessKind::kCopyAsync};
  int const offset = memory.offset_of(block_, access, target, size, size);
  if (reinterpret_cast<uintptr_t>(source) % static_cast<uintptr_t>(size) != 0)
    block_.fail("cp.async of " + std::to_string(size) + " bytes to offset " +
                std::to_string(offset) + " of shared memory: its source is not aligned to " +
                std::to_string(size) + " bytes");
  memory.check(block_, access, offset, size,
               memory.shadow().begin_write(block_.knowledge(), access, offset, size));
  Copy const copy{offset, size, source};
  if (!block_.lands_late()) land(copy);
  copiers_[static_cast<size_t>(block_.self())].open.push_back(copy);
}

void AsyncCopies::land(Copy const& copy) {
  auto* const target = block_.memory().bytes_at(copy.offset);
  auto const size = static_cast<size_t>(copy.size);
  if (copy.source) {
    std::memcpy(target, copy.source, size);
  } else {
    std::memset(target, 0, size);
  }
}

void AsyncCopies::commit() {
  auto& copier = copiers_[static_cast<size_t>(block_.self())];
  copier.groups.push_back(std::exchange(copier.open, {}));
}

void AsyncCopies::wait(int pending) {
  auto& groups = copiers_[static_cast<size_t>(block_.self())].groups;
  while (static_cast<int>(groups.size()) > pending) {
    for (auto const& copy : groups.front()) {
      if (block_.lands_late()) land(copy);
      block_.memory().shadow().finish_write(block_.knowledge(), block_.self(), copy.offset,
                                            copy.size);
    }
    groups.pop_front();
  }
}

void AsyncCopies::thread_ends(int thread) {
  auto const& copier = copiers_[static_cast<size_t>(thread)];
  size_t copies = copier.open.size();
  for (auto const& group : copier.groups) copies += group.size();
  if (copies > 0)
    block_.fail("ends without having waited for " + std::to_string(copies) + " of its cp.async" +
                (copier.open.empty() ? "" : ", some not even committed"));
}

}  // namespace fattn::simt::host
