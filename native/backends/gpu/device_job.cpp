#include "backends/gpu/device_job.h"

#include <cstring>

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
  if (bytes == 0) return nullptr;
  scratch_.reserve(scratch_.size() + 1);
  scratch_.push_back(stream_.gpu().allocate(bytes, queue()));
  return scratch_.back();
}

StagingBlock DeviceJob::stage(int64_t bytes) {
  staged_.reserve(staged_.size() + 1);
  staged_.push_back(stream_.gpu().staging().take(bytes));
  return staged_.back();
}

void* DeviceJob::upload(void const* data, int64_t bytes) {
  if (bytes == 0) return nullptr;
  void* const target = scratch(bytes);
  StagingBlock const block = stage(bytes);
  std::memcpy(block.data, data, static_cast<size_t>(bytes));
  runtime().copy_to_device(target, block.data, bytes, queue());
  return target;
}

void DeviceJob::release_memory() noexcept {
  for (void* const memory : scratch_) runtime().release(memory, queue());
  scratch_.clear();
  for (StagingBlock const& block : staged_)
    stream_.gpu().staging().give_back_after(block, stream_.queue(), position_);
  staged_.clear();
}

void DeviceJob::finish() {
  release_memory();
  finished_ = true;
  stream_.queue()->advance(name_);
}

DeviceJob::~DeviceJob() {
  if (finished_) return;
  release_memory();
  try {
    stream_.queue()->advance(name_);
  } catch (...) {
    // The device is lost; who threw says so.
  }
}

}  // namespace fattn::gpu
