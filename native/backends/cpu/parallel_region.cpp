#include "backends/cpu/parallel_region.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "backends/cpu/lock_soon.h"
#include "backends/cpu/simd/relax.h"
#include "backends/cpu/worker_pool.h"

namespace fattn::cpu {
namespace {

// Measured on two-core machines: a spinning thread joins within a microsecond, a sleeping one needs
// 10 to 50. Each must have at least that much work to do, or it costs more than it brings.
constexpr double kNanosecondsPerSpinner = 4e3;
constexpr double kNanosecondsPerSleeper = 50e3;
constexpr size_t kScratchHuge = kHugePage / 2;
constexpr auto kLeaderSpin = std::chrono::microseconds(50);

class RegionWorker final : public Worker {
 public:
  explicit RegionWorker(PoolThread& thread) : thread_(thread) {}
  void* scratch(size_t bytes) override {
    HostBlock& block = thread_.scratch;
    if (block.data() == nullptr || block.bytes() < bytes) {
      block = HostBlock();  // first, so that the old and the new never exist together
      // Whole pages, so that a slightly larger request soon after need not allocate again.
      size_t const page = bytes >= kScratchHuge ? kHugePage : 4096;
      block = HostBlock((bytes + page - 1) / page * page, kHugePage);
    }
    return block.data();
  }

 private:
  PoolThread& thread_;
};

void take_tasks(Region& region, PoolThread& thread) {
  RegionWorker worker(thread);
  try {
    while (!region.stop.raised() && !region.failed.load(std::memory_order_relaxed)) {
      int64_t const task = region.next.fetch_add(1, std::memory_order_relaxed);
      if (task >= region.count) return;
      region.body(task, worker);
    }
  } catch (...) {
    if (!region.failed.exchange(true)) region.failure = std::current_exception();
  }
}

int clamp_to_int(double value) { return static_cast<int>(std::clamp(value, 0.0, 1e6)); }

}  // namespace

void WorkerPool::parallel_for(PoolThread& leader, int threads, StopFlags const& stop, int64_t count,
                              double estimated_ns, FunctionRef<void(int64_t, Worker&)> body) {
  Region region{.body = body, .count = count, .stop = stop};
  int64_t const spare = std::min<int64_t>(threads, count) - 1;
  int const helpers = static_cast<int>(
      std::min<int64_t>(spare, clamp_to_int(estimated_ns / kNanosecondsPerSpinner)));
  bool const shared =
      helpers > 0 && open(region, helpers, clamp_to_int(estimated_ns / kNanosecondsPerSleeper));
  take_tasks(region, leader);
  if (shared) close(region);
  if (region.failure) std::rethrow_exception(region.failure);
}

/// Lets up to `helpers` threads in. Sleeping threads are woken, `most_woken` at most; without one
/// worth waking, places are offered only to the threads that spin right now. False: to none.
bool WorkerPool::open(Region& region, int helpers, int most_woken) {
  auto const lock = lock_soon(mutex_);
  if (most_woken == 0) {
    uint64_t const demand = demand_.load();
    int const idle = static_cast<int>(demand & 0xffffffffu) - static_cast<int>(demand >> 32);
    helpers = std::min(helpers, idle);
  }
  if (helpers <= 0) return false;
  regions_.push_back(&region);
  region.places = helpers;
  offer_locked(helpers, most_woken);
  return true;
}

/// Returns when no helper is inside any more.
void WorkerPool::close(Region& region) {
  {
    auto const lock = lock_soon(mutex_);
    std::erase(regions_, &region);
    // Takes back the permits nobody used. Those already claimed find nothing and are spent.
    uint64_t seen = demand_.load();
    uint64_t unused;
    do {
      unused = std::min<uint64_t>(static_cast<uint64_t>(region.places), seen >> 32);
    } while (!demand_.compare_exchange_weak(seen, seen - (unused << 32)));
  }
  auto const end = std::chrono::steady_clock::now() + kLeaderSpin;
  while (region.inside.load(std::memory_order_acquire) > 0) {
    for (int turn = 0; turn < 16; ++turn) relax();
    std::this_thread::yield();  // the helper may be waiting for this very core
    if (std::chrono::steady_clock::now() < end) continue;
    auto lock = lock_soon(mutex_);
    region.leader_sleeps = true;
    left_.wait(lock, [&] { return region.inside.load(std::memory_order_acquire) == 0; });
  }
}

void WorkerPool::help(PoolThread& self, Region& region, std::unique_lock<std::mutex>& lock) {
  --region.places;
  region.inside.fetch_add(1, std::memory_order_relaxed);
  lock.unlock();
  take_tasks(region, self);
  lock = lock_soon(mutex_);
  bool const leader_sleeps = region.leader_sleeps;
  region.inside.fetch_sub(1, std::memory_order_release);  // last touch of the region
  if (leader_sleeps) left_.notify_all();
}

}  // namespace fattn::cpu
