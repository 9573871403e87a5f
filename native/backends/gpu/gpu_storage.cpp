#include "backends/gpu/gpu_storage.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace fattn::gpu {

GpuStorage::GpuStorage(GpuDevice& device, int64_t bytes)
    : Storage(device.device(), nullptr, bytes), gpu_(device), origin_(Origin::kPool) {}

GpuStorage::GpuStorage(GpuDevice& device, int64_t bytes, void* memory, Origin origin)
    : Storage(device.device(), memory, bytes), gpu_(device), origin_(origin) {}

void GpuStorage::note_use_locked(std::shared_ptr<GpuQueue> const& queue, int64_t position) {
  for (Use& use : uses_)
    if (use.queue == queue) {
      use.position = position;
      return;
    }
  std::erase_if(uses_, [](Use const& use) { return use.queue->has_passed(use.position); });
  uses_.push_back({queue, position});
}

void GpuStorage::use(std::shared_ptr<GpuQueue> const& queue, bool written) {
  std::lock_guard const lock(mutex_);
  int64_t const position = queue->next();
  if (data_ == nullptr && bytes() > 0) {
    data_ = gpu_.allocate(bytes(), queue->handle());
    writer_ = queue;
    written_at_ = position;
  }
  if (writer_ != nullptr && writer_ != queue && !writer_->has_passed(written_at_))
    queue->follow(*writer_);
  if (written) {
    writer_ = queue;
    written_at_ = position;
  }
  note_use_locked(queue, position);
}

void* GpuStorage::address() {
  {
    std::lock_guard const lock(mutex_);
    if (data_ != nullptr || bytes() == 0) return data_;
  }
  // An address is for somebody who does not queue here: the memory must be there for everybody.
  auto const queue = gpu_.create_queue();
  {
    auto const held = queue->lock();
    use(queue, true);
    queue->advance(nullptr);
  }
  while (!queue->has_passed(queue->queued())) {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
    gpu_.guarded([&] { gpu_.runtime().probe(); });
  }
  return data_;
}

Lineage GpuStorage::lineage(ByteSpan part) const {
  std::lock_guard const lock(mutex_);
  Lineage all;
  lineages_.visit(part, [&](Lineage const& lineage) {
    all = joined(all, lineage);
    return false;
  });
  return all;
}

void GpuStorage::set_lineage(ByteSpan part, Lineage const& lineage, bool all) {
  std::lock_guard const lock(mutex_);
  if (all && !lineages_.empty()) lineages_.clear(part);
  if (lineage == nullptr || lineage->empty()) return;
  lineages_.add(part, lineage, [](Lineage const& a, Lineage const& b) { return joined(a, b); });
  if (lineages_.size() <= most_lineages_) return;
  lineages_.erase_if(all_well);
  most_lineages_ = std::max<size_t>(most_lineages_, 2 * lineages_.size());
}

GpuStorage::~GpuStorage() {
  if (data_ == nullptr || origin_ == Origin::kExternal || gpu_.lost()) return;
  std::vector<Use> busy;
  for (Use& use : uses_)
    if (!use.queue->has_passed(use.position)) busy.push_back(std::move(use));
  if (origin_ == Origin::kPool && busy.empty() && !uses_.empty())
    busy.push_back({writer_, written_at_});  // done, and likely to want the memory again
  release(busy);
}

/// One queue releases in its own order. Where several are busy, a side queue waits for all of them,
/// so that none of them waits for another.
void GpuStorage::release(std::vector<Use> const& busy) noexcept try {
  Runtime& runtime = gpu_.runtime();
  if (origin_ == Origin::kPool && busy.size() == 1)
    return runtime.release(data_, busy.front().queue->handle());

  Queue const side = gpu_.take_side_queue();
  Mark const mark = runtime.create_mark(false);
  for (Use const& use : busy) {
    runtime.record(mark, use.queue->handle());
    runtime.wait(mark, side);
  }
  runtime.destroy_mark(mark);
  if (origin_ == Origin::kPool) runtime.release(data_, side);
  // The side queue serves others only once it waits for nothing any more. Giving back other memory
  // may wait for the whole device: on the thread that may.
  GpuDevice& gpu = gpu_;
  auto const give_back = [&gpu, side, memory = data_,
                          origin = origin_](std::exception_ptr failure) {
    gpu.give_back(side);
    if (failure != nullptr || origin == Origin::kPool) return;
    gpu.background().post([&gpu, memory, origin] {
      if (origin == Origin::kShareable) gpu.runtime().release_shareable(memory);
      if (origin == Origin::kShared) gpu.runtime().close_shared(memory);
    });
  };
  gpu.completions().when_done(side, nullptr, "release", give_back);
} catch (...) {
  // The device was lost meanwhile, and its memory with it.
}

}  // namespace fattn::gpu
