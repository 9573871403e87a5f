#include "backends/cpu/job_failure.h"

#include <new>
#include <string>

#include "core/error.h"

namespace fattn::cpu {
namespace {

std::exception_ptr named(char const* operation, ErrorCode code, std::string const& message) {
  std::string const prefix = std::string(operation) + ": ";
  bool const has_prefix = message.rfind(prefix, 0) == 0;
  return std::make_exception_ptr(Error(code, has_prefix ? message : prefix + message));
}

bool fills_its_storage(TensorView const& view) {
  return view.elements() * size_of(view.dtype) == view.storage->bytes();
}

}  // namespace

std::exception_ptr failure_of(char const* operation) {
  try {
    throw;
  } catch (Error const& error) {
    return named(operation, error.code(), error.what());
  } catch (std::bad_alloc const&) {
    return named(operation, ErrorCode::kOutOfMemory, "out of memory");
  } catch (std::exception const& error) {
    return named(operation, ErrorCode::kInternal, error.what());
  } catch (...) {
    return named(operation, ErrorCode::kInternal, "failed for an unknown reason");
  }
}

std::exception_ptr closed_failure(char const* operation) {
  return named(operation, ErrorCode::kStreamClosed, "the stream was closed before this was done");
}

std::exception_ptr inherited_failure(Job const& job) {
  std::exception_ptr first;
  auto look = [&](TensorView const& view) {
    if (first == nullptr) first = view.storage->failure();
  };
  job.each_input(look);
  return first;
}

void mark_outputs(Job const& job, std::exception_ptr const& failure) {
  auto mark = [&](TensorView const& view) {
    if (failure != nullptr || fills_its_storage(view)) view.storage->set_failure(failure);
  };
  job.each_output(mark);
}

}  // namespace fattn::cpu
