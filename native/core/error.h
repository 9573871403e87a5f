#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fattn {

/// Closed list; `lib/errors.ts` has the same names. Users branch on these, never on text.
enum class ErrorCode {
  kNotATensor,       // ERR_NOT_A_TENSOR
  kNotAStream,       // ERR_NOT_A_STREAM
  kArgumentType,     // ERR_ARGUMENT_TYPE
  kArgumentValue,    // ERR_ARGUMENT_VALUE
  kDType,            // ERR_DTYPE
  kShape,            // ERR_SHAPE
  kLayout,           // ERR_LAYOUT
  kDevice,           // ERR_DEVICE
  kBounds,           // ERR_BOUNDS
  kIndex,            // ERR_INDEX: the contents of an index tensor point outside
  kOption,           // ERR_OPTION: options that contradict one another
  kDisposed,         // ERR_DISPOSED
  kStreamClosed,     // ERR_STREAM_CLOSED
  kAborted,          // ERR_ABORTED: its caller aborted the work before it was done
  kQueueFull,        // ERR_QUEUE_FULL
  kUnsupported,      // ERR_UNSUPPORTED
  kOutOfMemory,      // ERR_OUT_OF_MEMORY
  kCudaUnavailable,  // ERR_CUDA_UNAVAILABLE
  kDeviceLost,       // ERR_DEVICE_LOST: a device failed and cannot be used any more
  kNativeLoad,       // ERR_NATIVE_LOAD
  kInternal,         // ERR_INTERNAL
};

/// 'ERR_SHAPE' and so on.
std::string_view name_of(ErrorCode code);

/// What every layer of native host code throws. `binding/guard.h` turns it into a JavaScript error.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, std::string const& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// Throws `Error{code}` with the parts joined, unless `ok`. Parts are formatted on failure only.
template <class... Parts>
void check(bool ok, ErrorCode code, Parts const&... parts) {
  if (ok) return;
  std::ostringstream text;
  (text << ... << parts);
  throw Error(code, text.str());
}

}  // namespace fattn
