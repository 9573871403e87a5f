#pragma once

#include <cstdint>
#include <memory>

#include "backends/gpu/background.h"
#include "backends/gpu/gpu_queue.h"
#include "backends/gpu/staging.h"
#include "core/backend.h"

namespace fattn::gpu {

class GpuDevice;

/// A copy between memory of the device and memory of the host, none of it pinned. Both are there,
/// and nobody else touches them, until `done` has been called.
struct BulkCopy {
  enum class Direction { kToDevice, kToHost };
  Direction direction;
  char* device;
  char* host;
  int64_t bytes;
  Completion done;  // from the thread of the copies
};

/// Copies of what is too large to be pinned as a whole, which would keep the caller for seconds and
/// take the memory from everybody else. They go one after the other through two pinned blocks, on a
/// thread and in a queue of their own that wait for nothing but themselves.
class BulkCopies {
 public:
  /// What is larger should come here.
  static constexpr int64_t kLeastBytes = int64_t{32} << 20;

  explicit BulkCopies(GpuDevice& gpu) : gpu_(gpu) {}
  BulkCopies(BulkCopies const&) = delete;
  BulkCopies& operator=(BulkCopies const&) = delete;

  void post(BulkCopy copy);
  /// Does what is left, and ends the thread.
  void stop();
  /// Bytes that go through a block at a time; for tests.
  void set_piece(int64_t bytes) { piece_ = bytes; }

 private:
  struct Block {
    StagingBlock memory;
    int64_t position = 0;  // the last use, in queue_
  };
  void run(BulkCopy const& copy);
  void upload(BulkCopy const& copy, Block (&blocks)[2]);
  void download(BulkCopy const& copy, Block (&blocks)[2]);
  int64_t advance();
  void wait_for(int64_t position);

  GpuDevice& gpu_;
  int64_t piece_ = int64_t{16} << 20;
  std::shared_ptr<GpuQueue> queue_;  // made by the first copy
  Background thread_;
};

}  // namespace fattn::gpu
