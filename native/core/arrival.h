#pragma once

#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "core/backend.h"

namespace fattn {

/// An event that is reached when somebody says so: how a stream of one device waits for work of
/// another. It keeps no time.
class Arrival final : public Event {
 public:
  void when_reached(Completion done) override;
  int64_t nanoseconds_since(Event const& start) const override;
  /// Once, from any thread.
  void reach();

 private:
  std::mutex mutex_;
  bool reached_ = false;
  std::vector<Completion> waiting_;
};

}  // namespace fattn
