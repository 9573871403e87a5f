#include "backends/gpu/device_job.h"

namespace fattn::gpu {

GpuStorage& gpu_storage(TensorView const& view) {
  auto* const storage = dynamic_cast<GpuStorage*>(view.storage.get());
  check(storage != nullptr, ErrorCode::kDevice, "a tensor lies on ", name_of(view.device()),
        ", expected one of a GPU");
  return *storage;
}

DeviceJob::DeviceJob(GpuStream& stream, char const* name)
    : stream_(stream), name_(name), lock_(stream.queue()->lock()) {
  stream_.require_open();
  stream_.require_room();
  position_ = stream_.queue()->next();
}

void DeviceJob::use(TensorView const& view, bool written) {
  gpu_storage(view).use(stream_.queue(), written);
}

void* DeviceJob::scratch(int64_t bytes) {
  scratch_.reserve(scratch_.size() + 1);
  scratch_.push_back(stream_.gpu().allocate(bytes, queue()));
  return scratch_.back();
}

void DeviceJob::release_scratch() noexcept {
  for (void* const memory : scratch_) runtime().release(memory, queue());
  scratch_.clear();
}

void DeviceJob::finish() {
  release_scratch();
  finished_ = true;
  stream_.queue()->advance(name_);
}

DeviceJob::~DeviceJob() {
  if (finished_) return;
  release_scratch();
  try {
    stream_.queue()->advance(name_);
  } catch (...) {
    // The device is lost; who threw says so.
  }
}

}  // namespace fattn::gpu
