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

std::exception_ptr Storage::failure() const {
  std::lock_guard const lock(mutex_);
  return failures_.empty() ? nullptr : failures_.front().reason;
}

std::exception_ptr Storage::failure(ByteSpan part) const {
  std::lock_guard const lock(mutex_);
  for (Failure const& failure : failures_)
    if (failure.part.meets(part)) return failure.reason;
  return nullptr;
}

void Storage::add_failure(ByteSpan part, std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  clear_failures_locked(part);
  if (!part.empty()) failures_.push_back({part, std::move(failure)});
}

void Storage::clear_failures(ByteSpan part) {
  std::lock_guard const lock(mutex_);
  if (!failures_.empty()) clear_failures_locked(part);
}

void Storage::clear_failures_locked(ByteSpan part) {
  std::vector<Failure> rest;
  for (Failure const& old : failures_) {
    if (!old.part.meets(part)) {
      rest.push_back(old);
      continue;
    }
    auto const [first, end] = old.part;
    if (first < part.first) rest.push_back({{first, part.first}, old.reason});
    if (part.end < end) rest.push_back({{part.end, end}, old.reason});
  }
  failures_.swap(rest);
}

}  // namespace fattn
