#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backends/cpu/host_block.h"
#include "backends/cpu/stop_flags.h"
#include "backends/cpu/thread_pool.h"

namespace fattn::cpu {

struct Region;

constexpr int kMaxThreads = 1024;

/// One thread of the pool. Everything but the scratch is guarded by the pool's mutex.
struct PoolThread {
  int index = 0;
  HostBlock scratch;
  std::thread thread;
  std::condition_variable called;  // while asleep
  bool awake = true;
  bool leaving = false;  // told to end whatever the limit
  bool ended = false;    // past its last touch of the pool: joining it returns at once
};

/// A stream as the pool sees it: somewhere to take a job from.
class JobSource {
 public:
  virtual ~JobSource() = default;
  /// Runs the next job on `thread`. True: another is ready, call again (this thread or another).
  /// False: the source submits itself when it has one. Called by one thread at a time.
  virtual bool run_next(PoolThread& thread) = 0;

 private:
  friend class WorkerPool;
  std::shared_ptr<JobSource> next_;  // in the pool's list of ready sources
};

/// The addon's own threads. A thread takes the next job of a ready stream, or helps in a running
/// job's parallel_for; without work it spins briefly, then sleeps. Threads start when there is work
/// for them and end when the last stream is gone.
class WorkerPool {
 public:
  /// The pool of the process, sized by FUSED_ATTENTION_THREADS or by the cores available. Never
  /// destroyed: a process may exit while its threads run.
  static WorkerPool& instance();

  explicit WorkerPool(int threads) : target_(threads) {}
  ~WorkerPool();

  /// Every stream holds one attachment while it is open. When the last goes, all threads end; the
  /// caller waits for them unless it is one of them.
  void attach();
  void detach();

  /// Throws unless at least one thread runs; from then on submit() cannot fail.
  void ensure_thread();
  /// Makes `source` ready. Cheap: wakes a thread only when none is spinning.
  void submit(std::shared_ptr<JobSource> source) noexcept;

  int threads() const { return target_.load(std::memory_order_relaxed); }
  /// Safe at any time: surplus threads end after their current job, missing ones start with work.
  void set_threads(int threads);

  /// JobContext::parallel_for with `leader` as first worker and at most `threads` in all.
  void parallel_for(PoolThread& leader, int threads, StopFlags const& stop, int64_t count,
                    double estimated_ns, FunctionRef<void(int64_t, Worker&)> body);

 private:
  // Guarded by mutex_, as all that is named *_locked.
  int limit_locked() const { return attached_ > 0 ? threads() : 0; }
  bool must_end_locked(PoolThread const& thread) const {
    return thread.leaving || thread.index >= limit_locked();
  }
  void end_threads();
  void start_thread_locked();
  void offer_locked(int permits, int most_woken) noexcept;
  void wake_locked(int count) noexcept;
  void wake_all_locked() noexcept;
  void push_ready_locked(std::shared_ptr<JobSource> source) noexcept;
  std::shared_ptr<JobSource> pop_ready_locked() noexcept;

  void work(PoolThread& self);
  bool find_permit(std::unique_lock<std::mutex>& lock);
  bool spin_for_permit();
  bool claim_permit(uint64_t spinners_leaving);
  void sleep(PoolThread& self, std::unique_lock<std::mutex>& lock);
  void serve(PoolThread& self, std::unique_lock<std::mutex>& lock);
  void lead(PoolThread& self, std::shared_ptr<JobSource> source,
            std::unique_lock<std::mutex>& lock);
  void help(PoolThread& self, Region& region, std::unique_lock<std::mutex>& lock);
  bool open(Region& region, int helpers, int most_woken);
  void close(Region& region);

  // High half: permits, one per ready source and per free place in a region. Low half: threads
  // spinning for one. One word, so that a submitter sees exactly whether a spinner is left for it.
  // A permit is claimed before the mutex is taken, so only threads that will find work contend.
  alignas(64) std::atomic<uint64_t> demand_{0};

  alignas(64) std::mutex mutex_;
  std::shared_ptr<JobSource> ready_;  // first of a linked list, so that submitting never allocates
  JobSource* last_ready_ = nullptr;
  std::vector<Region*> regions_;
  std::vector<std::unique_ptr<PoolThread>> slots_;
  std::vector<PoolThread*> asleep_;  // last in, first woken: its caches are warmest
  std::condition_variable left_;     // a helper has left a region whose leader sleeps
  std::atomic<int> running_{0};      // threads started and not ended; written under the mutex
  std::atomic<int> target_;
  int attached_ = 0;
};

/// A job's view of the pool, on the thread that leads it.
class PoolJobContext final : public JobContext {
 public:
  PoolJobContext(WorkerPool& pool, PoolThread& leader, StopFlags stop)
      : pool_(pool), leader_(leader), stop_(stop), threads_(pool.threads()) {}

  int threads() const override { return threads_; }
  bool stopped() const override { return stop_.raised(); }
  void parallel_for(int64_t count, double estimated_ns,
                    FunctionRef<void(int64_t, Worker&)> body) override {
    pool_.parallel_for(leader_, threads_, stop_, count, estimated_ns, body);
  }

 private:
  WorkerPool& pool_;
  PoolThread& leader_;
  StopFlags stop_;
  int threads_;  // fixed for the job, whatever set_threads() does meanwhile
};

}  // namespace fattn::cpu
