#include "core/error.h"

namespace fattn {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotATensor:
      return "ERR_NOT_A_TENSOR";
    case ErrorCode::kNotAStream:
      return "ERR_NOT_A_STREAM";
    case ErrorCode::kArgumentType:
      return "ERR_ARGUMENT_TYPE";
    case ErrorCode::kArgumentValue:
      return "ERR_ARGUMENT_VALUE";
    case ErrorCode::kDType:
      return "ERR_DTYPE";
    case ErrorCode::kShape:
      return "ERR_SHAPE";
    case ErrorCode::kLayout:
      return "ERR_LAYOUT";
    case ErrorCode::kDevice:
      return "ERR_DEVICE";
    case ErrorCode::kBounds:
      return "ERR_BOUNDS";
    case ErrorCode::kIndex:
      return "ERR_INDEX";
    case ErrorCode::kOption:
      return "ERR_OPTION";
    case ErrorCode::kDisposed:
      return "ERR_DISPOSED";
    case ErrorCode::kStreamClosed:
      return "ERR_STREAM_CLOSED";
    case ErrorCode::kAborted:
      return "ERR_ABORTED";
    case ErrorCode::kQueueFull:
      return "ERR_QUEUE_FULL";
    case ErrorCode::kUnsupported:
      return "ERR_UNSUPPORTED";
    case ErrorCode::kOutOfMemory:
      return "ERR_OUT_OF_MEMORY";
    case ErrorCode::kCudaUnavailable:
      return "ERR_CUDA_UNAVAILABLE";
    case ErrorCode::kDeviceLost:
      return "ERR_DEVICE_LOST";
    case ErrorCode::kNativeLoad:
      return "ERR_NATIVE_LOAD";
    case ErrorCode::kInternal:
      return "ERR_INTERNAL";
  }
  return "ERR_INTERNAL";
}

}  // namespace fattn
