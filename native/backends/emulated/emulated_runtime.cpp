#include "backends/emulated/emulated_runtime.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace fattn::emulated {
namespace {

using gpu::Grid;
using gpu::Mark;
using gpu::Queue;
using Clock = std::chrono::steady_clock;

/// One recording of a mark.
struct Point {
  std::mutex mutex;
  std::condition_variable changed;
  bool reached = false;
  Clock::time_point time;
};

struct MarkState {
  bool timed;
  std::mutex mutex;
  std::shared_ptr<Point> point;  // of the last recording
};

EmulatedQueue& queue_of(Queue queue) { return *reinterpret_cast<EmulatedQueue*>(queue); }
MarkState& mark_of(Mark mark) { return *reinterpret_cast<MarkState*>(mark); }

std::shared_ptr<Point> point_of(Mark mark) {
  MarkState& state = mark_of(mark);
  std::lock_guard const lock(state.mutex);
  return state.point;
}

constexpr std::chrono::microseconds kPollInterval{20};

}  // namespace

EmulatedRuntime::EmulatedRuntime(KernelRunner runner) : runner_(std::move(runner)) {
  facts_.model = "emulated device";
  facts_.major = 8;
  facts_.multiprocessors = 4;
  facts_.shared_bytes = 227 * 1024;
  facts_.memory_bytes = faults_.memory_bytes.load();
  facts_.f32_flops = facts_.half_flops = facts_.read_bytes = 1e9;  // a device without a speed
}

EmulatedRuntime::~EmulatedRuntime() { finish(); }

void EmulatedRuntime::finish() noexcept {
  std::list<std::unique_ptr<EmulatedQueue>> queues;
  {
    std::lock_guard const lock(mutex_);
    queues.swap(queues_);
  }
  for (auto const& queue : queues) queue->finish();
}

void EmulatedRuntime::require_alive() const {
  check(!lost_.load(), ErrorCode::kDeviceLost, "an ordered fault of the emulated device");
}

bool EmulatedRuntime::due(std::atomic<int64_t>& countdown) {
  int64_t left = countdown.load();
  while (left >= 0 && !countdown.compare_exchange_weak(left, left - 1)) {
  }
  return left == 0;
}

void EmulatedRuntime::execute(EmulatedQueue& queue, std::function<void()>& task) {
  int64_t const delay = faults_.delay_us.load();
  if (delay > 0) std::this_thread::sleep_for(std::chrono::microseconds(delay));
  if (lost_.load()) return;
  try {
    task();
  } catch (...) {
    queue.note_failure(std::current_exception());
  }
}

void EmulatedRuntime::push(Queue queue, std::function<void()> task) {
  require_alive();
  queue_of(queue).push(std::move(task));
}

std::exception_ptr EmulatedRuntime::take_failure(Queue queue) {
  return queue_of(queue).take_failure();
}

// ---- Memory

void* EmulatedRuntime::allocate(int64_t bytes, Queue) {
  require_alive();
  return memory_.allocate(bytes, faults_.memory_bytes.load());
}

void EmulatedRuntime::release(void* memory, Queue queue) noexcept {
  memory_.uncount(memory);
  queue_of(queue).push([this, memory] { memory_.release(memory); });
}

void EmulatedRuntime::trim() { require_alive(); }

gpu::MemoryFacts EmulatedRuntime::memory() { return memory_.facts(faults_.memory_bytes.load()); }

void* EmulatedRuntime::allocate_pinned(int64_t bytes) {
  require_alive();
  return pinned_.allocate(bytes, faults_.pinned_bytes.load());
}

void EmulatedRuntime::release_pinned(void* memory) noexcept { pinned_.release(memory); }

void* EmulatedRuntime::allocate_shareable(int64_t bytes) {
  require_alive();
  return memory_.allocate(bytes, faults_.memory_bytes.load());
}

void EmulatedRuntime::release_shareable(void* memory) noexcept { memory_.release(memory); }

gpu::SharedHandle EmulatedRuntime::share(void*) {
  throw Error(ErrorCode::kUnsupported, "the emulated device cannot share memory with processes");
}

void* EmulatedRuntime::open_shared(gpu::SharedHandle const&) {
  throw Error(ErrorCode::kUnsupported, "the emulated device cannot share memory with processes");
}

void EmulatedRuntime::close_shared(void*) noexcept {}

bool EmulatedRuntime::owns(void const* address) { return memory_.contains(address); }

// ---- Queues

Queue EmulatedRuntime::create_queue() {
  require_alive();
  std::lock_guard const lock(mutex_);
  queues_.remove_if([](auto const& queue) { return queue->finished(); });
  queues_.push_back(std::make_unique<EmulatedQueue>(
      [this](EmulatedQueue& queue, std::function<void()>& task) { execute(queue, task); }));
  return static_cast<Queue>(reinterpret_cast<uintptr_t>(queues_.back().get()));
}

void EmulatedRuntime::destroy_queue(Queue queue) noexcept { queue_of(queue).finish(); }

void EmulatedRuntime::launch(simt::CompiledKernel const& kernel, Grid grid, void const* params,
                             Queue queue) {
  bool const refused = due(faults_.refused_launch) || kernel.shared_bytes > facts_.shared_bytes ||
                       grid.x == 0 || grid.y == 0 || grid.z == 0;
  check(!refused, ErrorCode::kInternal, "launching ", kernel.name, ": refused by the device");
  auto const* const bytes = static_cast<char const*>(params);
  // Aligned as any params are.
  std::vector<std::max_align_t> copy(kernel.params_bytes / sizeof(std::max_align_t) + 1);
  std::memcpy(copy.data(), bytes, kernel.params_bytes);
  push(queue, [this, kernel, grid, copy = std::move(copy)] {
    if (due(faults_.fatal_kernel))
      lost_.store(true);
    else
      runner_(kernel, grid, copy.data());
  });
}

void EmulatedRuntime::push_copy(void* target, void const* source, int64_t bytes, Queue queue) {
  push(queue, [=] { std::memcpy(target, source, static_cast<size_t>(bytes)); });
}

void EmulatedRuntime::copy_to_device(void* target, void const* pinned, int64_t bytes, Queue queue) {
  push_copy(target, pinned, bytes, queue);
}

void EmulatedRuntime::copy_to_host(void* pinned, void const* source, int64_t bytes, Queue queue) {
  push_copy(pinned, source, bytes, queue);
}

void EmulatedRuntime::copy_on_device(void* target, void const* source, int64_t bytes, Queue queue) {
  push_copy(target, source, bytes, queue);
}

void EmulatedRuntime::signal(uint32_t* word, uint32_t value, Queue queue) {
  push(queue, [=] { std::atomic_ref(*word).store(value, std::memory_order_release); });
}

void EmulatedRuntime::wait_signal(uint32_t* word, uint32_t value, Queue queue) {
  push(queue, [this, word, value] {
    auto const behind = [&] {
      uint32_t const now = std::atomic_ref(*word).load(std::memory_order_acquire);
      return static_cast<int32_t>(now - value) < 0;
    };
    while (behind() && !lost_.load()) std::this_thread::sleep_for(kPollInterval);
  });
}

void EmulatedRuntime::call_host(void (*function)(void*), void* argument, Queue queue) {
  push(queue, [=] { function(argument); });
}

// ---- Marks

Mark EmulatedRuntime::create_mark(bool timed) {
  auto* const state = new MarkState;
  state->timed = timed;
  return static_cast<Mark>(reinterpret_cast<uintptr_t>(state));
}

void EmulatedRuntime::destroy_mark(Mark mark) noexcept { delete &mark_of(mark); }

void EmulatedRuntime::record(Mark mark, Queue queue) {
  auto point = std::make_shared<Point>();
  {
    MarkState& state = mark_of(mark);
    std::lock_guard const lock(state.mutex);
    state.point = point;
  }
  push(queue, [point = std::move(point)] {
    std::lock_guard const lock(point->mutex);
    point->reached = true;
    point->time = Clock::now();
    point->changed.notify_all();
  });
}

void EmulatedRuntime::wait(Mark mark, Queue queue) {
  auto point = point_of(mark);
  if (point == nullptr) return;
  push(queue, [this, point = std::move(point)] {
    std::unique_lock lock(point->mutex);
    while (!point->reached && !lost_.load()) point->changed.wait_for(lock, kPollInterval);
  });
}

int64_t EmulatedRuntime::nanoseconds_between(Mark start, Mark end) {
  auto const time_of = [](Mark mark) {
    check(mark_of(mark).timed, ErrorCode::kInternal, "elapsed time: the mark keeps no time");
    auto const point = point_of(mark);
    check(point != nullptr, ErrorCode::kInternal, "elapsed time: the mark was never recorded");
    std::lock_guard const lock(point->mutex);
    check(point->reached, ErrorCode::kInternal, "elapsed time: the mark has not been reached");
    return point->time;
  };
  auto const elapsed = time_of(end) - time_of(start);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
}

}  // namespace fattn::emulated
