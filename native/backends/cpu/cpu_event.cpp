#include "backends/cpu/cpu_event.h"

#include <utility>

#include "core/error.h"

namespace fattn::cpu {

void CpuEvent::when_reached(Completion done) {
  std::exception_ptr failure;
  {
    std::lock_guard lock(mutex_);
    if (!settled_) {
      waiting_.push_back(std::move(done));
      return;
    }
    failure = failure_;
  }
  done(failure);
}

int64_t CpuEvent::nanoseconds_since(Event const& start) const {
  auto const* const other = dynamic_cast<CpuEvent const*>(&start);
  check(other != nullptr, ErrorCode::kDevice, "elapsed time: the events are of different devices");
  auto const elapsed = passed_at() - other->passed_at();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
}

bool CpuEvent::settled() const {
  std::lock_guard lock(mutex_);
  return settled_;
}

std::chrono::steady_clock::time_point CpuEvent::passed_at() const {
  std::lock_guard lock(mutex_);
  check(settled_, ErrorCode::kInternal, "elapsed time: an event has not been reached");
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  return time_;
}

void CpuEvent::settle(std::exception_ptr failure) {
  std::vector<Completion> waiting;
  {
    std::lock_guard lock(mutex_);
    if (settled_) return;
    settled_ = true;
    failure_ = failure;
    time_ = std::chrono::steady_clock::now();
    waiting.swap(waiting_);
  }
  for (Completion& done : waiting) done(failure);
}

}  // namespace fattn::cpu
