#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backends/cuda/context.h"

namespace fattn::cuda {

/// A stream-ordered pool of device memory that belongs to us alone, so that what it keeps and gives
/// back is nobody else's business. Memory goes back by cudaFreeAsync. The context is current in
/// every call.
class MemoryPool {
 public:
  explicit MemoryPool(Context& context);
  ~MemoryPool();
  MemoryPool(MemoryPool const&) = delete;
  MemoryPool& operator=(MemoryPool const&) = delete;

  void* allocate(int64_t bytes, cudaStream_t stream);  // null where there is not enough
  void trim();
  int64_t held() const { return attribute(cudaMemPoolAttrReservedMemCurrent); }
  int64_t used() const { return attribute(cudaMemPoolAttrUsedMemCurrent); }

 private:
  int64_t attribute(cudaMemPoolAttr attribute) const;

  Context& context_;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace fattn::cuda
