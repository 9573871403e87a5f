#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>

#include "core/device.h"
#include "core/span_table.h"

namespace fattn {

class Stream;

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

  /// Of the work on any of `part`; null where there is none.
  std::exception_ptr failure(ByteSpan part) const;
  void add_failure(ByteSpan part, std::exception_ptr failure);
  /// `part` has been written, all of it.
  void clear_failures(ByteSpan part);

 protected:
  Storage(Device device, void* data, int64_t bytes) : data_(data), bytes_(bytes), device_(device) {}

  void* data_;
  int64_t bytes_;

 private:
  Device device_;
  mutable std::mutex mutex_;
  std::weak_ptr<Stream> last_writer_;
  SpanTable<std::exception_ptr> failures_;
};

}  // namespace fattn
