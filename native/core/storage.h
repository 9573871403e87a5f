#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>

#include "core/device.h"

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

  /// Set when the job that should have filled this block failed or was aborted; every reader is
  /// told why.
  /// Set and read in stream order.
  std::exception_ptr failure() const;
  void set_failure(std::exception_ptr failure);

 protected:
  Storage(Device device, void* data, int64_t bytes) : data_(data), bytes_(bytes), device_(device) {}

  void* data_;
  int64_t bytes_;

 private:
  Device device_;
  mutable std::mutex mutex_;
  std::weak_ptr<Stream> last_writer_;
  std::exception_ptr failure_;
};

}  // namespace fattn
