#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/gpu/gpu_storage.h"
#include "backends/gpu/gpu_stream.h"
#include "backends/gpu/runtime.h"
#include "core/tensor_view.h"

namespace fattn::gpu {

/// One job on its way to the device: holds its stream's queue, so that the calls it is made of
/// stand together. Whatever happens, what was handed to the device counts up to position().
class DeviceJob {
 public:
  /// Throws ERR_STREAM_CLOSED or ERR_QUEUE_FULL. `name` outlives the stream.
  DeviceJob(GpuStream& stream, char const* name);
  ~DeviceJob();
  DeviceJob(DeviceJob const&) = delete;
  DeviceJob& operator=(DeviceJob const&) = delete;

  GpuStream& stream() const { return stream_; }
  Runtime& runtime() const { return stream_.gpu().runtime(); }
  Queue queue() const { return stream_.queue()->handle(); }
  int64_t position() const { return position_; }

  /// The job reads, or writes, the storage of `view`: it exists, and what it holds is there.
  void reads(TensorView const& view) { use(view, false); }
  void writes(TensorView const& view) { use(view, true); }

  /// Device memory for the time of the job.
  void* scratch(int64_t bytes);
  template <class T>
  T* scratch_of(int64_t count) {
    return static_cast<T*>(scratch(checked_multiply(count, sizeof(T))));
  }
  /// A copy of host memory in such memory; the original is the caller's again when it returns.
  void* upload(void const* data, int64_t bytes);
  /// Pinned memory that the device uses until the job is done.
  StagingBlock stage(int64_t bytes);

  template <class Params>
  void launch(simt::CompiledKernel const& kernel, Grid grid, Params const& params) {
    check(sizeof(Params) == kernel.params_bytes, ErrorCode::kInternal, kernel.name, " takes ",
          kernel.params_bytes, " bytes of parameters, got ", sizeof(Params));
    runtime().launch(kernel, grid, &params, queue());
  }

  /// Hands the job over. Without it, because something threw, the job still counts.
  void finish();

 private:
  void use(TensorView const& view, bool written);
  void release_memory() noexcept;

  GpuStream& stream_;
  char const* name_;
  std::unique_lock<std::mutex> lock_;
  int64_t position_;
  std::vector<void*> scratch_;
  std::vector<StagingBlock> staged_;
  bool finished_ = false;
};

/// The storage of a view that lies on the device; throws ERR_DEVICE for another.
GpuStorage& gpu_storage(TensorView const& view);

}  // namespace fattn::gpu
