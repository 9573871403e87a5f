#include "backends/gpu/staging.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "backends/gpu/gpu_queue.h"
#include "core/error.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kLeastBytes = 1 << 12;
constexpr int64_t kKeptBytes = int64_t{128} << 20;

/// Powers of two, so that a block fits the next call of about the same size; large ones to the
/// megabyte.
int64_t block_bytes(int64_t bytes) {
  constexpr int64_t kMegabyte = 1 << 20;
  if (bytes > 64 * kMegabyte) return (bytes + kMegabyte - 1) / kMegabyte * kMegabyte;
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(std::max(bytes, kLeastBytes))));
}

}  // namespace

Staging::~Staging() {
  for (auto const& [bytes, data] : free_) runtime_.release_pinned(data);
}

void Staging::collect_locked(std::vector<std::shared_ptr<GpuQueue>>& released) {
  std::erase_if(busy_, [&](Busy& busy) {
    if (!busy.queue->has_passed(busy.position)) return false;
    free_.emplace(busy.block.bytes, busy.block.data);
    kept_ += busy.block.bytes;
    released.push_back(std::move(busy.queue));
    return true;
  });
}

StagingBlock Staging::take(int64_t bytes) {
  int64_t const wanted = block_bytes(bytes);
  std::vector<std::shared_ptr<GpuQueue>> released;  // destroyed without the lock
  std::unique_lock lock(mutex_);
  collect_locked(released);
  auto const found = free_.lower_bound(wanted);
  if (found != free_.end() && found->first <= 2 * wanted) {
    StagingBlock const block{found->second, found->first};
    kept_ -= block.bytes;
    free_.erase(found);
    return block;
  }
  // Pinning may wait for the device, and those who give back must not wait for that.
  lock.unlock();
  void* const data = runtime_.allocate_pinned(wanted);
  lock.lock();
  check(data != nullptr, ErrorCode::kOutOfMemory, name_of(runtime_.device()), ": no ", wanted,
        " bytes of pinned host memory to pass data through; ", held_, " bytes are held");
  held_ += wanted;
  return {data, wanted};
}

void Staging::give_back_after(StagingBlock block, std::shared_ptr<GpuQueue> queue,
                              int64_t position) {
  std::lock_guard const lock(mutex_);
  busy_.push_back({block, std::move(queue), position});
}

bool Staging::give_back(StagingBlock block) {
  std::lock_guard const lock(mutex_);
  free_.emplace(block.bytes, block.data);
  kept_ += block.bytes;
  return kept_ > kKeptBytes;
}

void Staging::trim() {
  std::vector<void*> surplus;
  std::vector<std::shared_ptr<GpuQueue>> released;
  {
    std::lock_guard const lock(mutex_);
    collect_locked(released);
    while (kept_ > kKeptBytes) {
      auto const largest = std::prev(free_.end());
      kept_ -= largest->first;
      held_ -= largest->first;
      surplus.push_back(largest->second);
      free_.erase(largest);
    }
  }
  for (void* const data : surplus) runtime_.release_pinned(data);
}

void Staging::forget() {
  std::vector<Busy> busy;
  {
    std::lock_guard const lock(mutex_);
    busy.swap(busy_);
    for (Busy const& each : busy) free_.emplace(each.block.bytes, each.block.data);
  }
}

int64_t Staging::kept_bytes() const {
  std::lock_guard const lock(mutex_);
  return kept_;
}

int64_t Staging::held_bytes() const {
  std::lock_guard const lock(mutex_);
  return held_;
}

}  // namespace fattn::gpu
