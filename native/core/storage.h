#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "core/device.h"

namespace fattn {

class Stream;

/// Bytes [first, end) of a storage.
struct ByteSpan {
  int64_t first = 0, end = 0;

  bool empty() const { return end <= first; }
  bool meets(ByteSpan other) const {
    return !empty() && !other.empty() && first < other.end && other.first < end;
  }
};

/// An owning block of memory on one device. Reference-counted: tensors, views and queued jobs
/// each hold a share, so disposing a tensor while work is in flight is safe.
class Storage {
 public:
  virtual ~Storage() = default;
  Storage(Storage const&) = delete;
  Storage& operator=(Storage const&) = delete;

  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  /// The stream whose queued work last wrote here: reading back goes there. Set when queueing.
  std::shared_ptr<Stream> last_writer() const;
  void set_last_writer(std::shared_ptr<Stream> const& stream);

  // What went wrong with the work that should have filled parts of this block. Set and read in
  // stream order, mostly through TensorView.

  /// Of the work on any of it, or of `part`; null where there is none.
  std::exception_ptr failure() const;
  std::exception_ptr failure(ByteSpan part) const;
  void add_failure(ByteSpan part, std::exception_ptr failure);
  /// `part` has been written, all of it.
  void clear_failures(ByteSpan part);

 protected:
  Storage(Device device, void* data, int64_t bytes) : data_(data), bytes_(bytes), device_(device) {}

  void* data_;
  int64_t bytes_;

 private:
  struct Failure {
    ByteSpan part;
    std::exception_ptr reason;
  };
  void clear_failures_locked(ByteSpan part);

  Device device_;
  mutable std::mutex mutex_;
  std::weak_ptr<Stream> last_writer_;
  std::vector<Failure> failures_;  // disjoint: of two on one byte the later counts
};

}  // namespace fattn
