#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/gpu_queue.h"
#include "backends/gpu/reports.h"
#include "core/storage.h"

namespace fattn::gpu {

/// Where memory comes from, and so where it goes.
enum class Origin {
  kPool,       // taken by the queue that first uses it, so that what that queue released is reused
  kShareable,  // outside the pool, may be opened by other processes
  kShared,     // opened: another process owns it
  kExternal,   // somebody else in this process owns it
};

/// Memory of a GPU. Queued work holds no share of it: release takes its turn behind the last use in
/// every queue, and nobody waits for that.
class GpuStorage final : public Storage {
 public:
  /// Of the pool. Nothing is taken before the first use.
  GpuStorage(GpuDevice& device, int64_t bytes);
  GpuStorage(GpuDevice& device, int64_t bytes, void* memory, Origin origin);
  ~GpuStorage() override;

  GpuDevice& gpu() const { return gpu_; }
  Origin origin() const { return origin_; }

  /// What `queue` queues next may use the memory: it exists, and what was last written to it is
  /// there. The use counts up to `queue.next()`. Requires the queue's lock.
  void use(std::shared_ptr<GpuQueue> const& queue, bool written);

  /// The address, of memory that is there once all queued work is done.
  void* address();

  /// What the contents of `part` depend on.
  Lineage lineage(ByteSpan part) const;
  /// `part` has been written: all of it, or some, between which older contents remain.
  void set_lineage(ByteSpan part, Lineage const& lineage, bool all);

 private:
  struct Use {
    std::shared_ptr<GpuQueue> queue;
    int64_t position;
  };
  void note_use_locked(std::shared_ptr<GpuQueue> const& queue, int64_t position);
  void release(std::vector<Use> const& busy) noexcept;

  GpuDevice& gpu_;
  Origin const origin_;
  mutable std::mutex mutex_;
  std::vector<Use> uses_;             // the last use in each queue
  std::shared_ptr<GpuQueue> writer_;  // the last to write
  int64_t written_at_ = 0;            // position there
  SpanTable<Lineage> lineages_;
  size_t most_lineages_ = 8;  // before those that turned out well are forgotten
};

}  // namespace fattn::gpu
