#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>

#include "backends/gpu/staging.h"
#include "core/backend.h"

namespace fattn::gpu {

class DeviceJob;
class GpuDevice;

/// A copy between memory of the device and memory of the host, none of it pinned, in pieces by way
/// of two pinned blocks. The device's part of it is queued at once, all of it in one job; the rest
/// is for the thread of the BulkCopies, which copies between the blocks and the host. The two count
/// in pinned words what each has done, and the device waits for the host's. Whoever makes it go on
/// calls no runtime and waits for nothing: such a call may itself be waiting for the device.
class BulkCopy {
 public:
  /// Memory of the host that somebody is filling, who holds nothing of the device meanwhile.
  struct Snapshot {
    std::shared_ptr<Storage> memory;
    std::exception_ptr failure;  // what came instead; said before
    std::atomic<bool> made{false};
  };

  // `done` is called at most once, from any thread, and neither waits nor queues work. Sizes are at
  // least one byte.

  /// To the device. `done` is told that all is on its way, or what came instead, before work behind
  /// the copy can go on.
  static std::shared_ptr<BulkCopy> upload(GpuDevice& gpu, std::shared_ptr<Snapshot const> source,
                                          Completion done);
  /// To `host`, which is the copy's until `done` has been called or the copy dropped.
  static std::shared_ptr<BulkCopy> download(GpuDevice& gpu, char* host, int64_t bytes,
                                            Completion done);
  BulkCopy(BulkCopy const&) = delete;
  BulkCopy& operator=(BulkCopy const&) = delete;

  /// Queues the device's part, once; closing the stream ends a download. Throws
  /// ERR_OUT_OF_MEMORY where nothing can be pinned. commit() or drop() follows.
  static void queue(std::shared_ptr<BulkCopy> const& copy, DeviceJob& job, char* device,
                    char const* operation);
  /// The job has been handed over: who waits for a download may be told from now on.
  void commit();
  /// It has not. `done` will not be called, and from now on nobody touches `host`.
  void drop();

  enum class Step { kNone, kSome, kLast };
  /// Copies the next piece where it can; for the thread of the copies.
  Step step();

 private:
  BulkCopy(GpuDevice& gpu, std::shared_ptr<Snapshot const> source, char* host, int64_t bytes,
           Completion done);
  static std::shared_ptr<BulkCopy> shared(BulkCopy* copy);
  bool uploads() const { return source_ != nullptr; }
  void take_memory(DeviceJob& job);
  void queue_pieces(DeviceJob& job, char* device);
  bool may_copy_locked() const;
  void copy_piece_locked();
  int64_t size_of_piece(int64_t piece) const;
  /// From Completions: the device has done all of it, or will not.
  void device_said(std::exception_ptr failure);
  void end(std::unique_lock<std::mutex>& lock);
  void let_go();

  GpuDevice& gpu_;
  std::shared_ptr<Snapshot const> const source_;  // null: a download
  char* const host_;
  int64_t const bytes_;
  int64_t const piece_;
  int64_t const pieces_;
  Completion const done_;
  // Set while queueing. The pinned memory is used up to a position of the queue.
  std::shared_ptr<GpuQueue> queue_;
  int64_t position_ = 0;
  StagingBlock blocks_[2], words_;
  uint32_t* by_host_ = nullptr;    // pieces that the host has copied
  uint32_t* by_device_ = nullptr;  // pieces that the device has

  std::mutex mutex_;  // held while the host's memory is touched
  int64_t copied_ = 0;
  bool committed_;  // until then nobody is told
  bool ended_ = false;
  std::exception_ptr failure_;
};

}  // namespace fattn::gpu
