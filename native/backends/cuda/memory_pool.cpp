#include "backends/cuda/memory_pool.h"

#include <algorithm>
#include <limits>

namespace fattn::cuda {

MemoryPool::MemoryPool(Context& context) : context_(context) {
  Current const current(context_);
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;  // the only one there is
  properties.handleTypes = cudaMemHandleTypeNone;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = context_.index();
  context_.require(cudaMemPoolCreate(&pool_, &properties), "making a memory pool");
  // Kept until trim(): else every synchronization by anybody gives it all back to the device, and
  // taking it again costs a millisecond.
  auto keep = std::numeric_limits<uint64_t>::max();
  context_.require(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep),
                   "setting up a memory pool");
}

MemoryPool::~MemoryPool() {
  context_.quietly([&] { return cudaMemPoolDestroy(pool_); });
}

void* MemoryPool::allocate(int64_t bytes, cudaStream_t stream) {
  void* memory = nullptr;
  auto const size = static_cast<size_t>(std::max<int64_t>(1, bytes));
  cudaError_t const status = cudaMallocFromPoolAsync(&memory, size, pool_, stream);
  return context_.found_memory(status, "allocating ", bytes, " bytes") ? memory : nullptr;
}

void MemoryPool::trim() {
  context_.require(cudaMemPoolTrimTo(pool_, 0), "trimming the memory pool");
}

int64_t MemoryPool::attribute(cudaMemPoolAttr attribute) const {
  uint64_t value = 0;
  context_.require(cudaMemPoolGetAttribute(pool_, attribute, &value), "asking the memory pool");
  return static_cast<int64_t>(value);
}

}  // namespace fattn::cuda
