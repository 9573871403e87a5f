// What a call of CUDA answered, as an Error.
#pragma once

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <sstream>
#include <string>

namespace fattn::cuda {

/// The same number means the same in both enumerations (since CUDA 10.1).
inline cudaError_t status_of(CUresult result) { return static_cast<cudaError_t>(result); }

/// A failed call leaves its error behind for the next caller of the runtime: takes it away.
inline void forget_error() { static_cast<void>(cudaGetLastError()); }

/// After such an error every call of the process on this device fails in the same way.
bool is_fatal(cudaError_t status);

/// 'an illegal memory access was encountered (cudaErrorIllegalAddress)'
std::string text_of(cudaError_t status);

/// Throws what `status`, which is no success, means to whoever was `doing` something, and forgets
/// it.
[[noreturn]] void throw_status(cudaError_t status, std::string const& doing);

/// Throws unless `status` is success. The parts, 'launching ', name, …, say what was being done;
/// they are joined on failure only.
template <class... Parts>
void require(cudaError_t status, Parts const&... doing) {
  if (status == cudaSuccess) return;
  std::ostringstream text;
  (text << ... << doing);
  throw_status(status, text.str());
}

/// Whether a call found the memory it asked for. Throws where it failed for another reason.
template <class... Parts>
bool found_memory(cudaError_t status, Parts const&... doing) {
  if (status != cudaErrorMemoryAllocation) require(status, doing...);
  if (status != cudaSuccess) forget_error();
  return status == cudaSuccess;
}

}  // namespace fattn::cuda
