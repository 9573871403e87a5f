#include "backends/cpu/cpu_stream.h"

#include <utility>

#include "backends/cpu/job_failure.h"
#include "backends/cpu/lock_soon.h"
#include "core/arrival.h"
#include "core/error.h"

namespace fattn::cpu {

CpuStream::CpuStream(WorkerPool& pool, StreamOptions const& options)
    : pool_(pool), queue_depth_(options.queue_depth) {
  check(queue_depth_ >= 1, ErrorCode::kArgumentValue, "queueDepth is ", queue_depth_,
        ", expected at least 1");
  pool_.attach();
}

// Queued work holds a share of the stream, so here nothing is queued.
CpuStream::~CpuStream() {
  if (!closed_) pool_.detach();
}

bool CpuStream::closed() const {
  auto const lock = lock_soon(mutex_);
  return closed_;
}

void CpuStream::require_open_locked() const {
  check(!closed_, ErrorCode::kStreamClosed, "the stream is closed");
}

void CpuStream::require_room_locked() const {
  check(waiting_jobs_ < queue_depth_, ErrorCode::kQueueFull,
        "the stream's queue is full: ", queue_depth_, " jobs are waiting");
}

bool CpuStream::append_locked(Item item) {
  items_.push_back(std::move(item));
  if (state_ != State::kIdle) return false;
  state_ = State::kReady;
  return true;
}

void CpuStream::submit_if(bool became_ready) {
  if (became_ready) pool_.submit(self());
}

void CpuStream::enqueue(std::unique_ptr<Job> job) {
  pool_.ensure_thread();
  bool became_ready;
  {
    auto const lock = lock_soon(mutex_);
    require_open_locked();
    require_room_locked();
    became_ready = append_locked(std::move(job));
    ++waiting_jobs_;
  }
  submit_if(became_ready);
}

std::exception_ptr CpuStream::take_failure() {
  auto const lock = lock_soon(mutex_);
  return std::exchange(first_failure_, nullptr);
}

void CpuStream::synchronize(Completion done) {
  {
    auto const lock = lock_soon(mutex_);
    require_open_locked();
    if (state_ != State::kIdle) {
      append_locked(Synchronizing{std::move(done)});
      return;
    }
  }
  done(take_failure());
}

std::shared_ptr<Event> CpuStream::record() {
  auto event = std::make_shared<CpuEvent>();
  {
    auto const lock = lock_soon(mutex_);
    require_open_locked();
    if (state_ != State::kIdle) {
      append_locked(Passing{event});
      return event;
    }
  }
  event->reach();
  return event;
}

std::shared_ptr<Event> CpuStream::pending() {
  auto const lock = lock_soon(mutex_);
  if (closed_ || state_ == State::kIdle) return nullptr;
  auto event = std::make_shared<CpuEvent>();
  append_locked(Passing{event});
  return event;
}

void CpuStream::wait(std::shared_ptr<Event> event) {
  pool_.ensure_thread();
  // Of another device: asked for now, so that devices are handed their work in the order of the
  // calls, and by a thread that may throw.
  if (dynamic_cast<CpuEvent const*>(event.get()) == nullptr) {
    auto arrival = std::make_shared<Arrival>();
    event->when_reached([arrival](std::exception_ptr) { arrival->reach(); });
    event = std::move(arrival);
  }
  bool became_ready;
  {
    auto const lock = lock_soon(mutex_);
    require_open_locked();
    auto const* const ours = dynamic_cast<CpuEvent const*>(event.get());
    if (ours != nullptr && ours->settled()) return;
    became_ready = append_locked(Waiting{std::move(event)});
  }
  submit_if(became_ready);
}

bool CpuStream::run_next(PoolThread& thread) {
  Item item;
  {
    auto const lock = lock_soon(mutex_);
    if (items_.empty()) {  // closed meanwhile
      state_ = State::kIdle;
      return false;
    }
    item = std::move(items_.front());
    items_.pop_front();
    if (std::holds_alternative<std::unique_ptr<Job>>(item)) --waiting_jobs_;
    state_ = State::kRunning;
    runner_ = std::this_thread::get_id();
  }
  if (auto* waiting = std::get_if<Waiting>(&item)) {
    block_on(std::move(waiting->event));
    return false;
  }
  if (auto* job = std::get_if<std::unique_ptr<Job>>(&item)) {
    execute(**job, thread);
  } else if (auto* passing = std::get_if<Passing>(&item)) {
    passing->event->reach();
  } else {
    std::get<Synchronizing>(item).done(take_failure());
  }
  // close() promises that nothing of the stream is alive any more: release before telling.
  item = Item();
  auto const lock = lock_soon(mutex_);
  state_ = items_.empty() ? State::kIdle : State::kReady;
  not_running_.notify_all();
  return state_ == State::kReady;
}

void CpuStream::execute(Job& job, PoolThread& thread) {
  std::exception_ptr const failure = run(job, thread);
  mark_outputs(job, failure);
  if (job.tell(failure) || failure == nullptr || is_abort(failure)) return;
  auto const lock = lock_soon(mutex_);
  if (first_failure_ == nullptr) first_failure_ = failure;
}

/// Null where the job has done all of its work.
std::exception_ptr CpuStream::run(Job& job, PoolThread& thread) {
  if (job.aborted()) return aborted_failure(job.name());
  if (auto inherited = inherited_failure(job)) return inherited;
  try {
    PoolJobContext context(pool_, thread, StopFlags(stop_, job.abort()));
    job.run(context);
  } catch (...) {
    return failure_of(job.name());
  }
  // Stopped on the way, perhaps half done.
  if (stop_.load()) return closed_failure(job.name());
  return job.aborted() ? aborted_failure(job.name()) : nullptr;
}

/// Leaves the thread. The event's callback brings the stream back, perhaps before this returns.
void CpuStream::block_on(std::shared_ptr<Event> event) {
  {
    auto const lock = lock_soon(mutex_);
    state_ = State::kBlocked;
    not_running_.notify_all();
  }
  // An event whose stream was closed lets the waiting stream go on: the storages that were not
  // written carry the failure to whoever reads them.
  event->when_reached([stream = self()](std::exception_ptr) { stream->resume(); });
}

void CpuStream::resume() {
  {
    auto const lock = lock_soon(mutex_);
    if (state_ != State::kBlocked) return;  // closed meanwhile
    state_ = items_.empty() ? State::kIdle : State::kReady;
    if (state_ == State::kIdle) return;
  }
  pool_.submit(self());
}

void CpuStream::close() {
  std::deque<Item> dropped;
  bool first;
  {
    auto const lock = lock_soon(mutex_);
    first = !std::exchange(closed_, true);
    stop_.store(true);
    dropped.swap(items_);
    waiting_jobs_ = 0;
    if (state_ == State::kBlocked) state_ = State::kIdle;
  }
  for (Item& item : dropped)
    drop(item);  // before waiting: other streams may wait for an event here
  dropped.clear();
  {
    auto lock = lock_soon(mutex_);
    // A completion that runs on the stream's own thread may close it: nothing to wait for then.
    if (runner_ != std::this_thread::get_id())
      not_running_.wait(lock, [&] { return state_ != State::kRunning; });
  }
  if (first) pool_.detach();
}

void CpuStream::drop(Item& item) {
  if (auto* job = std::get_if<std::unique_ptr<Job>>(&item)) {
    std::exception_ptr const failure = closed_failure((*job)->name());
    mark_outputs(**job, failure);
    (*job)->tell(failure);
  } else if (auto* passing = std::get_if<Passing>(&item)) {
    passing->event->abandon(closed_failure("event"));
  } else if (auto* synchronizing = std::get_if<Synchronizing>(&item)) {
    synchronizing->done(closed_failure("synchronize"));
  }
}

}  // namespace fattn::cpu
