#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fattn::gpu {

class BulkCopy;

/// The host's part of copies of what is too large to be pinned as a whole, which would keep the
/// caller for seconds and take the memory from everybody else. One thread per device does it for
/// all of them, a piece here and a piece there: it waits for none, since the device may reach one
/// only once another is done.
class BulkCopies {
 public:
  /// What is larger should come here.
  static constexpr int64_t kLeastBytes = int64_t{32} << 20;

  BulkCopies() = default;
  ~BulkCopies() { stop(); }
  BulkCopies(BulkCopies const&) = delete;
  BulkCopies& operator=(BulkCopies const&) = delete;

  /// Bytes that a copy moves at a time. A piece takes the caller some calls of the runtime, so that
  /// of the largest there are no more than of others.
  int64_t piece_of(int64_t bytes) const;
  void set_piece(int64_t bytes) { piece_ = bytes; }  // for tests

  void add(std::shared_ptr<BulkCopy> copy);
  /// Does what is left, and ends the thread.
  void stop();

 private:
  void run();

  int64_t piece_ = 0;  // 0: as large as fits the copy
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<BulkCopy>> added_;
  bool stop_ = false;
  std::thread thread_;  // started by the first copy
};

}  // namespace fattn::gpu
