#pragma once

// An emulated device whose kernels are functions of the host, and whose faults can be ordered.

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "backends/emulated/emulated_runtime.h"
#include "backends/gpu/device_job.h"
#include "backends/gpu/gpu_device.h"
#include "backends/gpu/gpu_event.h"
#include "backends/gpu/gpu_storage.h"
#include "backends/gpu/gpu_stream.h"
#include "test.h"
#include "waiter.h"

namespace fattn::test {

/// What the test kernels are: a function, called once.
struct HostKernel {
  using Body = std::function<void()>;
  struct Params {
    Body* body;  // lives until its device is gone
  };

  static Body* keep(Body body) {
    kept().push_back(std::make_unique<Body>(std::move(body)));
    return kept().back().get();
  }
  static std::vector<std::unique_ptr<Body>>& kept() {
    static std::vector<std::unique_ptr<Body>> all;
    return all;
  }
};

inline void run_host_kernel(simt::CompiledKernel const&, gpu::Grid, void const* params) {
  (*static_cast<HostKernel::Params const*>(params)->body)();
}

inline constexpr simt::CompiledKernel kHostKernel{"host", nullptr, 32, 0,
                                                  sizeof(HostKernel::Params)};

/// A device with its streams; tensors made here must go before it.
class EmulatedDevice {
 public:
  ~EmulatedDevice() {
    gpu_.reset();
    HostKernel::kept().clear();
  }
  EmulatedDevice() : EmulatedDevice(std::make_unique<emulated::EmulatedRuntime>(run_host_kernel)) {}

  emulated::EmulatedRuntime& runtime() { return runtime_; }
  emulated::Faults& faults() { return runtime_.faults(); }
  gpu::GpuDevice& gpu() { return *gpu_; }

  std::shared_ptr<gpu::GpuStream> stream(StreamOptions const& options = {}) {
    return std::make_shared<gpu::GpuStream>(*gpu_, options);
  }

  TensorView tensor(int64_t elements) {
    TensorView view;
    view.dtype = DType::i32;
    view.sizes = {elements};
    view.strides = {1};
    view.storage = std::make_shared<gpu::GpuStorage>(*gpu_, 4 * elements);
    return view;
  }

 private:
  explicit EmulatedDevice(std::unique_ptr<emulated::EmulatedRuntime> runtime)
      : runtime_(*runtime), gpu_(std::make_unique<gpu::GpuDevice>(std::move(runtime))) {}

  emulated::EmulatedRuntime& runtime_;
  std::unique_ptr<gpu::GpuDevice> gpu_;
};

/// Queues `body` as a job that reads and writes these tensors.
inline void queue(gpu::GpuStream& stream, HostKernel::Body body, std::vector<TensorView> in = {},
                  std::vector<TensorView> out = {}, char const* name = "job") {
  stream.gpu().guarded([&] {
    gpu::DeviceJob job(stream, name);
    for (TensorView const& view : in) job.reads(view);
    for (TensorView const& view : out) job.writes(view);
    job.launch(kHostKernel, {}, HostKernel::Params{HostKernel::keep(std::move(body))});
    job.finish();
  });
}

/// A stream held inside a job until released.
class HeldStream {
 public:
  explicit HeldStream(gpu::GpuStream& stream) {
    queue(stream, [gate = gate_.get_future().share(), this] {
      started_.set_value();
      gate.wait();
    });
    started_.get_future().wait();
  }
  ~HeldStream() {
    if (!released_) release();
  }
  void release() {
    released_ = true;
    gate_.set_value();
  }

 private:
  bool released_ = false;
  std::promise<void> gate_, started_;
};

}  // namespace fattn::test
