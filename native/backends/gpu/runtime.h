// What the host logic of the GPU backends asks of a device. Two things fulfil it: the CUDA runtime
// (backends/cuda) and, in test builds, threads that run kernels on the host (backends/emulated).
//
// Every function may be called from any thread except from inside a host callback. Where nothing
// else is said, a failure is thrown as an Error that says what was being done: ERR_DEVICE_LOST
// where the device does not recover from it, and then every later call throws the same.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "core/device.h"
#include "simt/kernel.h"

namespace fattn::gpu {

/// An ordered queue of device work (a CUDA stream).
enum class Queue : uintptr_t {};
/// A point in the order of a queue (a CUDA event).
enum class Mark : uintptr_t {};

/// Blocks of a launch.
struct Grid {
  uint32_t x = 1, y = 1, z = 1;
};

/// What a device is; fixed while the process lives.
struct DeviceFacts {
  std::string model;
  int major = 0, minor = 0;  // compute capability
  int multiprocessors = 0;
  int shared_bytes = 0;  // a block may have, where it asks for them
  int64_t memory_bytes = 0;
  // What it can do at most, from its clocks and widths, per second.
  double f32_flops = 0, half_flops = 0;  // multiply-add = 2; 16-bit floats on tensor cores
  double read_bytes = 0;
};

/// Device memory, in bytes.
struct MemoryFacts {
  int64_t free = 0, total = 0;
  int64_t pool_held = 0;  // taken from the device, of which
  int64_t pool_used = 0;  // handed out
};

/// Names memory in another process of this machine; a string of bytes.
using SharedHandle = std::string;

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual Device device() const = 0;
  virtual DeviceFacts const& facts() const = 0;

  // Memory. Allocation and release take their turn in `queue`, so that memory released there is
  // reused there without anybody waiting.
  /// Null where there is not enough. Aligned to 256 bytes.
  virtual void* allocate(int64_t bytes, Queue queue) = 0;
  virtual void release(void* memory, Queue queue) noexcept = 0;
  /// Gives back to the device what the pool holds and nobody uses.
  virtual void trim() = 0;
  virtual MemoryFacts memory() = 0;
  /// Host memory that the device reaches at the same address. Null where there is not enough.
  virtual void* allocate_pinned(int64_t bytes) = 0;
  virtual void release_pinned(void* memory) noexcept = 0;

  // Memory that other processes can open. It lies outside the pool, and giving it back may wait for
  // the device. ERR_UNSUPPORTED where the device cannot share.
  virtual void* allocate_shareable(int64_t bytes) = 0;  // null where there is not enough
  virtual void release_shareable(void* memory) noexcept = 0;
  virtual SharedHandle share(void* memory) = 0;
  virtual void* open_shared(SharedHandle const& handle) = 0;
  virtual void close_shared(void* memory) noexcept = 0;
  /// Whether `address` is memory of this device, of whatever origin.
  virtual bool owns(void const* address) = 0;

  // Queues.
  virtual Queue create_queue() = 0;
  /// What has been queued is still done.
  virtual void destroy_queue(Queue queue) noexcept = 0;
  virtual void launch(simt::CompiledKernel const& kernel, Grid grid, void const* params,
                      Queue queue) = 0;
  virtual void copy_to_device(void* target, void const* pinned, int64_t bytes, Queue queue) = 0;
  virtual void copy_to_host(void* pinned, void const* source, int64_t bytes, Queue queue) = 0;
  virtual void copy_on_device(void* target, void const* source, int64_t bytes, Queue queue) = 0;
  /// `*word` (pinned) becomes `value` once everything before is done and visible to the host.
  virtual void signal(uint32_t* word, uint32_t value, Queue queue) = 0;
  /// Later work waits until `*word` (pinned) is `value` or beyond, in arithmetic modulo 2^32.
  virtual void wait_signal(uint32_t* word, uint32_t value, Queue queue) = 0;
  /// Calls function(argument) on a thread of the runtime once everything before is done. The
  /// function returns soon and calls no runtime. After a loss of the device it is not called.
  virtual void call_host(void (*function)(void*), void* argument, Queue queue) = 0;

  // Marks.
  virtual Mark create_mark(bool timed) = 0;
  virtual void destroy_mark(Mark mark) noexcept = 0;
  virtual void record(Mark mark, Queue queue) = 0;
  /// Later work in `queue` waits for the point that `mark` was last recorded at, if at any.
  virtual void wait(Mark mark, Queue queue) = 0;
  /// Between two timed marks that have been reached.
  virtual int64_t nanoseconds_between(Mark start, Mark end) = 0;

  /// Waits until all that was ever queued is done. For the end of a device, when nobody is left.
  virtual void finish() noexcept = 0;
  /// Throws ERR_DEVICE_LOST where the device has failed; for somebody who waits for it.
  virtual void probe() = 0;
  /// The first failure since the last call of work in `queue` from which the device recovered;
  /// usually null: no GPU has such failures, the emulator's are mistakes it found in a kernel.
  virtual std::exception_ptr take_failure(Queue queue) = 0;
};

}  // namespace fattn::gpu
