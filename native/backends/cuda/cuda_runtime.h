#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "backends/cuda/context.h"
#include "backends/cuda/kernel_settings.h"
#include "backends/cuda/memory_pool.h"
#include "backends/cuda/stream_list.h"
#include "backends/gpu/runtime.h"

namespace fattn::cuda {

/// The CUDA runtime as the host logic of the GPU backends wants it.
class CudaRuntime final : public gpu::Runtime {
 public:
  /// Throws ERR_UNSUPPORTED where the device or its driver lacks something that is needed.
  explicit CudaRuntime(int index);
  ~CudaRuntime() override;

  Device device() const override { return {DeviceKind::cuda, context_.index()}; }
  gpu::DeviceFacts const& facts() const override { return facts_; }

  void* allocate(int64_t bytes, gpu::Queue queue) override;
  void release(void* memory, gpu::Queue queue) noexcept override;
  void trim() override;
  gpu::MemoryFacts memory() override;
  void* allocate_pinned(int64_t bytes) override;
  void release_pinned(void* memory) noexcept override;
  void* allocate_shareable(int64_t bytes) override;
  void release_shareable(void* memory) noexcept override;
  gpu::SharedHandle share(void* memory) override;
  void* open_shared(gpu::SharedHandle const& handle) override;
  void close_shared(void* memory) noexcept override;
  bool owns(void const* address) override;

  gpu::Queue create_queue() override;
  void destroy_queue(gpu::Queue queue) noexcept override;
  void launch(simt::CompiledKernel const& kernel, gpu::Grid grid, void const* params,
              gpu::Queue queue) override;
  void copy_to_device(void* target, void const* pinned, int64_t bytes, gpu::Queue queue) override;
  void copy_to_host(void* pinned, void const* source, int64_t bytes, gpu::Queue queue) override;
  void copy_on_device(void* target, void const* source, int64_t bytes, gpu::Queue queue) override;
  void signal(uint32_t* word, uint32_t value, gpu::Queue queue) override;
  void wait_signal(uint32_t* word, uint32_t value, gpu::Queue queue) override;
  void call_host(void (*function)(void*), void* argument, gpu::Queue queue) override;

  gpu::Mark create_mark(bool timed) override;
  void destroy_mark(gpu::Mark mark) noexcept override;
  void record(gpu::Mark mark, gpu::Queue queue) override;
  void wait(gpu::Mark mark, gpu::Queue queue) override;
  int64_t nanoseconds_between(gpu::Mark start, gpu::Mark end) override;

  void finish() noexcept override;
  void probe() override;
  std::exception_ptr take_failure(gpu::Queue) override { return nullptr; }

 private:
  void require_signals();
  void copy(void* target, void const* source, int64_t bytes, cudaMemcpyKind kind, gpu::Queue queue);

  Context context_;
  gpu::DeviceFacts const facts_;
  MemoryPool pool_;
  KernelSettings kernels_;
  StreamList streams_;
};

}  // namespace fattn::cuda
