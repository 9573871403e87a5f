#include "core/storage.h"

#include "core/backend.h"

namespace fattn {

std::shared_ptr<Stream> Storage::last_writer() const {
  std::lock_guard const lock(mutex_);
  return last_writer_.lock();
}

void Storage::set_last_writer(std::shared_ptr<Stream> const& stream) {
  std::lock_guard const lock(mutex_);
  last_writer_ = stream;
}

std::exception_ptr Storage::failure() const {
  std::lock_guard const lock(mutex_);
  return failure_;
}

void Storage::set_failure(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  failure_ = std::move(failure);
}

}  // namespace fattn
