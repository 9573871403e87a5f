#include "core/failure.h"

#include <new>

namespace fattn {

std::exception_ptr named_failure(char const* operation, ErrorCode code,
                                 std::string const& message) {
  std::string const prefix = std::string(operation) + ": ";
  bool const has_prefix = message.rfind(prefix, 0) == 0;
  return std::make_exception_ptr(Error(code, has_prefix ? message : prefix + message));
}

std::exception_ptr failure_of(char const* operation) {
  try {
    throw;
  } catch (Error const& error) {
    return named_failure(operation, error.code(), error.what());
  } catch (std::bad_alloc const&) {
    return named_failure(operation, ErrorCode::kOutOfMemory, "out of memory");
  } catch (std::exception const& error) {
    return named_failure(operation, ErrorCode::kInternal, error.what());
  } catch (...) {
    return named_failure(operation, ErrorCode::kInternal, "failed for an unknown reason");
  }
}

std::exception_ptr closed_failure(char const* operation) {
  return named_failure(operation, ErrorCode::kStreamClosed,
                       "the stream was closed before this was done");
}

std::exception_ptr aborted_failure(char const* operation) {
  return named_failure(operation, ErrorCode::kAborted,
                       "its signal was aborted before this was done");
}

bool is_abort(std::exception_ptr const& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (Error const& error) {
    return error.code() == ErrorCode::kAborted;
  } catch (...) {
    return false;
  }
}

}  // namespace fattn
