#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/gpu/gpu_queue.h"

namespace fattn::gpu {

/// What is known of a job only once it is done: what the device says about the contents of its
/// index tensors, or another device about data that came from there. A job whose indices point
/// outside does no harm, but what it wrote means nothing, and neither does what was computed from
/// that.
class PendingReport {
 public:
  PendingReport(std::shared_ptr<GpuQueue> queue, char const* operation);
  ~PendingReport();
  PendingReport(PendingReport const&) = delete;
  PendingReport& operator=(PendingReport const&) = delete;

  /// Pinned words that the device fills where something is wrong; zero until then.
  uint32_t* words() const { return words_; }
  /// The job's place in its queue; set once, while queueing.
  void set_position(int64_t position) { position_ = position; }
  int64_t position() const { return position_; }
  bool passed() const { return queue_->has_passed(position_); }
  /// Said by whoever makes the job wait, before it lets it go on; null where all is well.
  void set_foreign(std::exception_ptr failure);
  /// The foreign failure, or ERR_INDEX with the text of the check; null where all is well or the
  /// job has not been passed.
  std::exception_ptr failure() const;

 private:
  std::shared_ptr<GpuQueue> queue_;
  char const* operation_;
  uint32_t* words_;
  int64_t position_ = INT64_MAX;
  mutable std::mutex mutex_;
  std::exception_ptr foreign_;
};

/// The reports that the contents of a storage depend on. Shared and never changed, since most
/// operations hand on what they were given.
using Lineage = std::shared_ptr<std::vector<std::shared_ptr<PendingReport>> const>;

/// Both, without what is known to be well.
Lineage joined(Lineage const& a, Lineage const& b);
Lineage joined(Lineage const& a, std::shared_ptr<PendingReport> const& report);

/// Whether nothing is to be told any more, now or later.
bool all_well(Lineage const& lineage);

/// The first failure that is known.
std::exception_ptr failure_in(Lineage const& lineage);

}  // namespace fattn::gpu
