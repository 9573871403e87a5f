#include "backends/cpu/worker_pool.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <system_error>

#include "backends/cpu/host.h"
#include "backends/cpu/lock_soon.h"
#include "backends/cpu/parallel_region.h"
#include "backends/cpu/simd/relax.h"
#include "core/error.h"

namespace fattn::cpu {
namespace {

constexpr uint64_t kPermit = uint64_t{1} << 32;
constexpr uint64_t kSpinner = 1;

// Waking a sleeping thread costs 10 to 50 us and a decode step lasts about 100, so a thread keeps
// looking for that long before it sleeps.
constexpr auto kSpin = std::chrono::microseconds(80);

thread_local bool is_pool_thread = false;

int permits_of(uint64_t demand) { return static_cast<int>(demand >> 32); }
int spinners_of(uint64_t demand) { return static_cast<int>(demand & (kPermit - 1)); }

int initial_threads() {
  char const* const text = std::getenv("FUSED_ATTENTION_THREADS");
  if (text == nullptr || *text == '\0') return available_cores();
  char* end = nullptr;
  long const threads = std::strtol(text, &end, 10);
  check(*end == '\0' && threads >= 1 && threads <= kMaxThreads, ErrorCode::kOption,
        "FUSED_ATTENTION_THREADS is '", text, "', expected an integer from 1 to ", kMaxThreads);
  return static_cast<int>(threads);
}

}  // namespace

WorkerPool& WorkerPool::instance() {
  static WorkerPool& pool = *new WorkerPool(initial_threads());
  return pool;
}

void WorkerPool::attach() {
  auto const lock = lock_soon(mutex_);
  ++attached_;
}

void WorkerPool::detach() {
  std::shared_ptr<JobSource> closed;  // sources are released outside the lock
  {
    auto const lock = lock_soon(mutex_);
    if (--attached_ > 0) return;
    closed = std::move(ready_);
    last_ready_ = nullptr;
    if (is_pool_thread) wake_all_locked();
  }
  // One by one: a chain that releases itself recurses as deep as it is long.
  while (closed != nullptr) closed = std::move(closed->next_);
  // A thread cannot wait for itself: the slots are joined when next started.
  if (!is_pool_thread) end_threads();
}

WorkerPool::~WorkerPool() {
  target_.store(0);  // a thread that just ends must not start another
  end_threads();
}

/// Ends the threads of now and waits for them, unless a new stream wants them meanwhile.
void WorkerPool::end_threads() {
  std::vector<std::unique_ptr<PoolThread>> ending;
  {
    auto const lock = lock_soon(mutex_);
    if (limit_locked() > 0) return;
    ending.swap(slots_);
    for (auto& thread : ending) thread->leaving = true;
    wake_all_locked();
  }
  for (auto& thread : ending)
    if (thread->thread.joinable()) thread->thread.join();
}

void WorkerPool::ensure_thread() {
  if (running_.load(std::memory_order_relaxed) > 0) return;
  auto const lock = lock_soon(mutex_);
  if (running_.load(std::memory_order_relaxed) == 0) start_thread_locked();
}

/// Starts the free slot of least index. Does nothing when the limit is reached.
void WorkerPool::start_thread_locked() {
  size_t slot = 0;
  while (slot < slots_.size() && !slots_[slot]->ended) ++slot;
  if (static_cast<int>(slot) >= limit_locked()) return;
  if (slot == slots_.size()) slots_.push_back(nullptr);
  if (slots_[slot] != nullptr && slots_[slot]->thread.joinable()) slots_[slot]->thread.join();

  auto thread = std::make_unique<PoolThread>();
  thread->index = static_cast<int>(slot);
  thread->ended = true;  // until it runs: if starting fails, the slot stays free
  slots_[slot] = std::move(thread);
  asleep_.reserve(slots_.size());
  PoolThread& self = *slots_[slot];
  try {
    self.thread = std::thread([this, &self] { work(self); });
  } catch (std::system_error const& error) {
    check(false, ErrorCode::kInternal, "cannot start a worker thread: ", error.what());
  }
  self.ended = false;
  running_.fetch_add(1, std::memory_order_relaxed);
}

void WorkerPool::submit(std::shared_ptr<JobSource> source) noexcept {
  auto const lock = lock_soon(mutex_);
  if (attached_ == 0) return;  // every stream is closed: nothing may run any more
  push_ready_locked(std::move(source));
  offer_locked(1, 1);
}

void WorkerPool::set_threads(int threads) {
  check(threads >= 1 && threads <= kMaxThreads, ErrorCode::kArgumentValue, "threads is ", threads,
        ", expected an integer from 1 to ", kMaxThreads);
  auto const lock = lock_soon(mutex_);
  target_.store(threads, std::memory_order_relaxed);
  wake_all_locked();  // surplus threads end
}

/// Adds permits and wakes threads for those that no spinning thread will take.
void WorkerPool::offer_locked(int permits, int most_woken) noexcept {
  uint64_t const before = demand_.fetch_add(static_cast<uint64_t>(permits) * kPermit);
  int const unserved = permits_of(before) + permits - spinners_of(before);
  wake_locked(std::min({permits, unserved, most_woken}));
}

void WorkerPool::wake_locked(int count) noexcept {
  for (; count > 0; --count) {
    if (!asleep_.empty()) {
      PoolThread& thread = *asleep_.back();
      asleep_.pop_back();
      thread.awake = true;
      thread.called.notify_one();
      continue;
    }
    if (running_.load(std::memory_order_relaxed) >= limit_locked()) return;
    try {
      start_thread_locked();
    } catch (...) {
      return;  // ensure_thread() has seen one run: work goes on with those there are
    }
  }
}

void WorkerPool::wake_all_locked() noexcept { wake_locked(static_cast<int>(asleep_.size())); }

void WorkerPool::push_ready_locked(std::shared_ptr<JobSource> source) noexcept {
  JobSource* const last = source.get();
  (last_ready_ == nullptr ? ready_ : last_ready_->next_) = std::move(source);
  last_ready_ = last;
}

std::shared_ptr<JobSource> WorkerPool::pop_ready_locked() noexcept {
  std::shared_ptr<JobSource> first = std::move(ready_);
  if (first != nullptr) ready_ = std::move(first->next_);
  if (ready_ == nullptr) last_ready_ = nullptr;
  return first;
}

void WorkerPool::work(PoolThread& self) {
  is_pool_thread = true;
  name_this_thread(("fattn-" + std::to_string(self.index)).c_str());
  take_short_turns();
  auto lock = lock_soon(mutex_);
  while (!must_end_locked(self)) {
    if (find_permit(lock))
      serve(self, lock);
    else
      sleep(self, lock);
  }
  self.ended = true;
  running_.fetch_sub(1, std::memory_order_relaxed);
  // It may have been woken for work that it leaves behind.
  wake_locked(permits_of(demand_.load()) - spinners_of(demand_.load()));
}

/// Takes and returns with the lock held; gives it up while spinning.
bool WorkerPool::find_permit(std::unique_lock<std::mutex>& lock) {
  if (claim_permit(0)) return true;
  demand_.fetch_add(kSpinner);
  lock.unlock();
  bool const claimed = spin_for_permit();
  lock = lock_soon(mutex_);
  if (claimed || claim_permit(kSpinner)) return true;
  // Permits come under the lock only: whoever offers one from here on finds this thread asleep.
  demand_.fetch_sub(kSpinner);
  return false;
}

bool WorkerPool::spin_for_permit() {
  auto const end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int turn = 0; turn < 16; ++turn) {
      if (claim_permit(kSpinner)) return true;
      relax();
    }
    std::this_thread::yield();  // the event loop may want this very core
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

bool WorkerPool::claim_permit(uint64_t spinners_leaving) {
  uint64_t seen = demand_.load(std::memory_order_relaxed);
  while (permits_of(seen) > 0)
    if (demand_.compare_exchange_weak(seen, seen - kPermit - spinners_leaving)) return true;
  return false;
}

void WorkerPool::sleep(PoolThread& self, std::unique_lock<std::mutex>& lock) {
  if (must_end_locked(self)) return;  // told so while it was spinning, without the lock
  self.awake = false;
  asleep_.push_back(&self);
  self.called.wait(lock, [&] { return self.awake; });
}

/// Uses a claimed permit; the work it stood for may be gone again.
void WorkerPool::serve(PoolThread& self, std::unique_lock<std::mutex>& lock) {
  if (auto source = pop_ready_locked()) return lead(self, std::move(source), lock);
  for (Region* region : regions_)
    if (region->places > 0) return help(self, *region, lock);
}

void WorkerPool::lead(PoolThread& self, std::shared_ptr<JobSource> source,
                      std::unique_lock<std::mutex>& lock) {
  for (;;) {
    lock.unlock();
    bool const more = source->run_next(self);
    if (!more) source.reset();  // may be the last share: not under the lock
    lock = lock_soon(mutex_);
    if (!more) return;
    if (must_end_locked(self)) {
      push_ready_locked(std::move(source));
      return offer_locked(1, 1);
    }
    // Streams take turns. One goes in and one comes out: the permits stay right.
    push_ready_locked(std::move(source));
    source = pop_ready_locked();
  }
}

}  // namespace fattn::cpu
