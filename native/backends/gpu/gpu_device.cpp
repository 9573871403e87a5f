#include "backends/gpu/gpu_device.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "backends/gpu/gpu_queue.h"

namespace fattn::gpu {
namespace {

// 18 ms in all, which the calling thread can be kept before it gets an error.
constexpr int kAllocationAttempts = 10;
constexpr std::chrono::milliseconds kAllocationPause{2};

}  // namespace

GpuDevice::GpuDevice(std::unique_ptr<Runtime> runtime)
    : runtime_(std::move(runtime)),
      words_(*runtime_),
      staging_(*runtime_),
      completions_(*runtime_, [this](Error const& error) { lose(error); }) {}

GpuDevice::~GpuDevice() {
  completions_.stop();
  bulk_copies_.stop();
  background_.stop();
  staging_.forget();
  for (Queue const queue : side_queues_) runtime_->destroy_queue(queue);
  runtime_->finish();
}

std::shared_ptr<GpuQueue> GpuDevice::create_queue() {
  auto queue = std::make_shared<GpuQueue>(*this);
  std::lock_guard const lock(mutex_);
  std::erase_if(queues_, [](std::weak_ptr<GpuQueue> const& gone) { return gone.expired(); });
  queues_.push_back(queue);
  return queue;
}

Queue GpuDevice::take_side_queue() {
  {
    std::lock_guard const lock(mutex_);
    if (!side_queues_.empty()) {
      Queue const queue = side_queues_.back();
      side_queues_.pop_back();
      return queue;
    }
  }
  return runtime_->create_queue();
}

void GpuDevice::give_back(Queue side_queue) {
  std::lock_guard const lock(mutex_);
  side_queues_.push_back(side_queue);
}

void* GpuDevice::allocate(int64_t bytes, Queue queue) {
  if (void* const memory = runtime_->allocate(bytes, queue)) return memory;
  // What has been released while work on it runs comes back when that is done: soon, or not.
  for (int attempt = 0; attempt < kAllocationAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kAllocationPause);
    runtime_->trim();
    if (void* const memory = runtime_->allocate(bytes, queue)) return memory;
  }
  throw_out_of_memory(bytes);
}

void GpuDevice::throw_out_of_memory(int64_t bytes) {
  MemoryFacts const facts = runtime_->memory();
  check(false, ErrorCode::kOutOfMemory, name_of(device()), " has no room for ", bytes,
        " bytes: ", facts.free, " of ", facts.total, " bytes are free, the pool holds ",
        facts.pool_held, " of which ", facts.pool_used, " are in use");
  throw;  // check() has thrown
}

void GpuDevice::require_alive() const {
  if (!lost_flag_.load()) return;
  std::lock_guard const lock(mutex_);
  std::rethrow_exception(lost_);
}

/// The jobs that may have caused a failure: the first unfinished one of every queue. "attention",
/// or "attention, fill" where several queues were at work.
std::string GpuDevice::suspects() {
  std::vector<std::shared_ptr<GpuQueue>> queues;
  {
    std::lock_guard const lock(mutex_);
    for (auto const& weak : queues_)
      if (auto queue = weak.lock()) queues.push_back(std::move(queue));
  }
  std::vector<std::string_view> names;
  for (auto const& queue : queues) {
    char const* const name = queue->first_unfinished();
    if (name != nullptr && std::find(names.begin(), names.end(), name) == names.end())
      names.emplace_back(name);
  }
  std::string joined;
  for (std::string_view const name : names) joined.append(joined.empty() ? "" : ", ").append(name);
  return joined;
}

std::exception_ptr GpuDevice::lose(Error const& cause) {
  std::string const names = lost() ? "" : suspects();
  std::exception_ptr failure;
  {
    std::lock_guard const lock(mutex_);
    if (lost_ != nullptr) return lost_;
    std::string const text = (names.empty() ? "" : names + ": ") + name_of(device()) +
                             " is lost: " + cause.what() +
                             ". This process cannot use it again; other devices are not affected";
    failure = lost_ = std::make_exception_ptr(Error(ErrorCode::kDeviceLost, text));
    lost_flag_.store(true);
  }
  completions_.lose(failure);
  return failure;
}

}  // namespace fattn::gpu
