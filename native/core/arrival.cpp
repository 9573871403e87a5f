#include "core/arrival.h"

#include "core/error.h"

namespace fattn {

void Arrival::when_reached(Completion done) {
  {
    std::lock_guard const lock(mutex_);
    if (!reached_) {
      waiting_.push_back(std::move(done));
      return;
    }
  }
  done(nullptr);
}

int64_t Arrival::nanoseconds_since(Event const&) const {
  throw Error(ErrorCode::kInternal, "elapsed time: an arrival keeps no time");
}

void Arrival::reach() {
  std::vector<Completion> waiting;
  {
    std::lock_guard const lock(mutex_);
    reached_ = true;
    waiting.swap(waiting_);
  }
  for (Completion const& done : waiting) done(nullptr);
}

}  // namespace fattn
