#include "core/storage.h"

#include <utility>

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

std::exception_ptr Storage::failure(ByteSpan part) const {
  std::lock_guard const lock(mutex_);
  std::exception_ptr found;
  failures_.visit(part, [&](std::exception_ptr const& failure) {
    found = failure;
    return true;
  });
  return found;
}

void Storage::add_failure(ByteSpan part, std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  failures_.set(part, std::move(failure));
}

void Storage::clear_failures(ByteSpan part) {
  std::lock_guard const lock(mutex_);
  if (!failures_.empty()) failures_.clear(part);
}

}  // namespace fattn
