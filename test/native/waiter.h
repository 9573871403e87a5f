#pragma once

// Waiting for completions, and looking into the failures they bring.

#include <chrono>
#include <exception>
#include <future>
#include <string>
#include <utility>

#include "core/backend.h"
#include "core/error.h"
#include "test.h"

namespace fattn::test {

/// A completion that a test can wait for.
class Waiter {
 public:
  Completion completion() {
    return [this](std::exception_ptr failure) { outcome_.set_value(std::move(failure)); };
  }
  /// The outcome; waits for it, and fails the test instead of hanging.
  std::exception_ptr outcome(Where where = Where::current()) {
    auto future = outcome_.get_future();
    if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
      fail(where, "a completion was not called within a minute");
    return future.get();
  }

 private:
  std::promise<std::exception_ptr> outcome_;
};

inline std::exception_ptr outcome_of(Stream& stream, Where where = Where::current()) {
  Waiter waiter;
  stream.synchronize(waiter.completion());
  return waiter.outcome(where);
}

/// Waits for all queued work and rethrows its first failure.
inline void finish(Stream& stream) {
  if (auto failure = outcome_of(stream)) std::rethrow_exception(failure);
}

inline ErrorCode code_of(std::exception_ptr const& failure, Where where = Where::current()) {
  if (failure == nullptr) fail(where, "expected a failure");
  try {
    std::rethrow_exception(failure);
  } catch (Error const& error) {
    return error.code();
  }
}

inline std::string message_of(std::exception_ptr const& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (std::exception const& error) {
    return error.what();
  }
}

}  // namespace fattn::test
