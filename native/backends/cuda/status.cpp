#include "backends/cuda/status.h"

#include "core/error.h"

namespace fattn::cuda {
namespace {

ErrorCode code_of(cudaError_t status) {
  if (is_fatal(status)) return ErrorCode::kDeviceLost;
  switch (status) {
    case cudaErrorMemoryAllocation:
      return ErrorCode::kOutOfMemory;
    case cudaErrorNotSupported:
      return ErrorCode::kUnsupported;
    case cudaErrorInsufficientDriver:
    case cudaErrorNoDevice:
    case cudaErrorDevicesUnavailable:  // another process has it to itself
    case cudaErrorStartupFailure:
    case cudaErrorSystemNotReady:
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorMpsConnectionFailed:
      return ErrorCode::kCudaUnavailable;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

/// Those of which the manual (CUDA Runtime API, enum cudaError) says "the process must be
/// terminated and relaunched", and those after which the context or the device is no more.
bool is_fatal(cudaError_t status) {
  switch (status) {
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorMpsClientTerminated:
    case cudaErrorExternalDevice:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContextIsDestroyed:
    case cudaErrorCudartUnloading:
      return true;
    default:
      return false;
  }
}

std::string text_of(cudaError_t status) {
  return std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ")";
}

void throw_status(cudaError_t status, std::string const& doing) {
  forget_error();
  // A fatal error is found by a call that has no part in it.
  if (is_fatal(status)) throw Error(ErrorCode::kDeviceLost, text_of(status));
  throw Error(code_of(status), doing + ": " + text_of(status));
}

}  // namespace fattn::cuda
