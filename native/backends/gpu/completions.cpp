#include "backends/gpu/completions.h"

#include <chrono>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/failure.h"

namespace fattn::gpu {
namespace {

// A lost device calls nobody back, so whoever waits looks after it at this interval.
constexpr std::chrono::milliseconds kProbeInterval{50};

}  // namespace

Completions::Completions(Runtime& runtime, std::function<void(Error const&)> on_loss)
    : runtime_(runtime), on_loss_(std::move(on_loss)) {}

void Completions::stop() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] {
      bool const told = arrivals_.empty() && arrived_.empty();
      return (told && telling_ == nullptr) || lost_ != nullptr;
    });
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Completions::when_done(Queue queue, void const* owner, char const* operation,
                            Completion done) {
  Arrival* arrival;
  uint64_t id;
  {
    std::unique_lock lock(mutex_);
    if (lost_ != nullptr) {
      lock.unlock();
      return done(lost_);
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    id = next_id_++;
    waiting_.emplace(id, Entry{owner, operation, std::move(done)});
    arrival = &arrivals_.emplace(id, Arrival{this, id}).first->second;
  }
  changed_.notify_all();
  try {
    runtime_.call_host(&Completions::arrive, arrival, queue);
  } catch (...) {
    std::lock_guard const lock(mutex_);
    arrivals_.erase(id);
    if (waiting_.erase(id) == 0) return;  // told meanwhile, by lose() or cancel()
    throw;
  }
}

void Completions::arrive(void* arrival) {
  auto const [to, id] = *static_cast<Arrival const*>(arrival);
  Completions& self = *to;
  std::lock_guard const lock(self.mutex_);
  self.arrived_.push_back(id);
  self.arrivals_.erase(id);
  self.changed_.notify_all();
}

void Completions::run() {
  std::unique_lock lock(mutex_);
  auto const something = [&] { return stop_ || !arrived_.empty(); };
  while (!stop_) {
    if (waiting_.empty())
      changed_.wait(lock, [&] { return something() || !waiting_.empty(); });
    else if (!changed_.wait_for(lock, kProbeInterval, something))
      probe(lock);
    while (!arrived_.empty()) {
      uint64_t const id = arrived_.front();
      arrived_.pop_front();
      tell(id, lock);
    }
  }
}

void Completions::tell(uint64_t id, std::unique_lock<std::mutex>& lock) {
  auto const found = waiting_.find(id);
  if (found == waiting_.end()) return changed_.notify_all();  // cancelled or lost meanwhile
  Entry entry = std::move(found->second);
  waiting_.erase(found);
  telling_ = entry.owner;
  lock.unlock();
  entry.done(nullptr);
  entry.done = nullptr;  // and with it what it holds, perhaps the last share of a stream
  lock.lock();
  telling_ = nullptr;
  changed_.notify_all();
}

void Completions::probe(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  try {
    runtime_.probe();
  } catch (Error const& error) {
    on_loss_(error);
  }
  lock.lock();
}

void Completions::cancel(void const* owner) {
  std::vector<Entry> cancelled;
  {
    std::unique_lock lock(mutex_);
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
      if (entry->second.owner == owner) cancelled.push_back(std::move(entry->second));
      entry = entry->second.owner == owner ? waiting_.erase(entry) : std::next(entry);
    }
    // A completion may itself close the stream it belongs to: nothing to wait for then.
    if (std::this_thread::get_id() != thread_.get_id())
      changed_.wait(lock, [&] { return telling_ != owner; });
  }
  for (Entry const& entry : cancelled) entry.done(closed_failure(entry.operation));
}

void Completions::lose(std::exception_ptr failure) {
  std::map<uint64_t, Entry> dropped;
  {
    std::lock_guard const lock(mutex_);
    lost_ = failure;
    dropped.swap(waiting_);
  }
  for (auto const& [id, entry] : dropped) entry.done(failure);
}

}  // namespace fattn::gpu
