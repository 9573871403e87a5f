#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>

#include "backends/cpu/cpu_event.h"
#include "backends/cpu/job.h"
#include "backends/cpu/worker_pool.h"
#include "core/backend.h"

namespace fattn::cpu {

/// A first-in first-out queue of jobs and markers. It occupies a thread of the pool only while a
/// job runs; idle or waiting for an event it occupies none. Queued work keeps the stream alive.
class CpuStream final : public Stream, public JobSource {
 public:
  CpuStream(WorkerPool& pool, StreamOptions const& options);
  ~CpuStream() override;

  Device device() const override { return Device{}; }
  void synchronize(Completion done) override;
  std::shared_ptr<Event> record() override;
  void wait(std::shared_ptr<Event> event) override;
  void close() override;
  bool closed() const override;

  /// Queues `job`. Throws ERR_STREAM_CLOSED or ERR_QUEUE_FULL, and then has done nothing.
  void enqueue(std::unique_ptr<Job> job);

  /// An event after everything queued so far, or null where nothing is.
  std::shared_ptr<Event> pending();

  bool run_next(PoolThread& thread) override;

 private:
  struct Passing {
    std::shared_ptr<CpuEvent> event;
  };
  struct Waiting {
    std::shared_ptr<Event> event;
  };
  struct Synchronizing {
    Completion done;
  };
  using Item = std::variant<std::unique_ptr<Job>, Passing, Waiting, Synchronizing>;
  enum class State {
    kIdle,     // nothing queued
    kReady,    // in the pool's list
    kRunning,  // a thread works on an item
    kBlocked,  // waits for an event
  };

  std::shared_ptr<CpuStream> self() {
    return std::static_pointer_cast<CpuStream>(shared_from_this());
  }
  void require_open_locked() const;
  void require_room_locked() const;
  /// Appends; true where the stream must be submitted.
  bool append_locked(Item item);
  void submit_if(bool became_ready);
  void execute(Job& job, PoolThread& thread);
  std::exception_ptr run(Job& job, PoolThread& thread);
  void block_on(std::shared_ptr<Event> event);
  void resume();
  void drop(Item& item);
  std::exception_ptr take_failure();

  WorkerPool& pool_;
  int64_t const queue_depth_;
  std::atomic<bool> stop_{false};  // polled by the running job

  mutable std::mutex mutex_;
  std::condition_variable not_running_;
  std::deque<Item> items_;
  int64_t waiting_jobs_ =
      0;  // of items_; what queue_depth limits, since markers and waits cost next to nothing
  State state_ = State::kIdle;
  bool closed_ = false;
  std::thread::id runner_;            // while kRunning
  std::exception_ptr first_failure_;  // since the last synchronize()
};

}  // namespace fattn::cpu
