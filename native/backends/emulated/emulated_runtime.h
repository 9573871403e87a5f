#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "backends/emulated/emulated_memory.h"
#include "backends/emulated/emulated_queue.h"
#include "backends/emulated/faults.h"
#include "backends/gpu/runtime.h"

namespace fattn::emulated {

/// Runs all blocks of a kernel and returns; throws what the kernel did wrong. Called by several
/// threads at a time.
using KernelRunner =
    std::function<void(simt::CompiledKernel const&, gpu::Grid, void const* params)>;

/// A device without a device: queues are threads, memory is the host's, kernels run under
/// emulation. It keeps the rules of the CUDA runtime, also those that hurt: after a fatal fault
/// nothing is done any more and nobody is called.
class EmulatedRuntime final : public gpu::Runtime {
 public:
  explicit EmulatedRuntime(KernelRunner runner);
  ~EmulatedRuntime() override;

  Faults& faults() { return faults_; }
  int64_t device_blocks() { return memory_.blocks(); }
  int64_t pinned_blocks() { return pinned_.blocks(); }

  Device device() const override { return {DeviceKind::emulated, 0}; }
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
  void probe() override { require_alive(); }
  std::exception_ptr take_failure(gpu::Queue queue) override;

 private:
  void require_alive() const;
  void execute(EmulatedQueue& queue, std::function<void()>& task);
  void push(gpu::Queue queue, std::function<void()> task);
  void push_copy(void* target, void const* source, int64_t bytes, gpu::Queue queue);
  /// One of a countdown: true at its end.
  static bool due(std::atomic<int64_t>& countdown);

  KernelRunner const runner_;
  gpu::DeviceFacts facts_;
  Faults faults_;
  EmulatedMemory memory_, pinned_;
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::list<std::unique_ptr<EmulatedQueue>> queues_;
};

}  // namespace fattn::emulated
