// What each thread of a block can know of the others: the happens-before order, by vector clocks.
//
// Everyone who touches shared memory is an `actor`: the threads of the block, and agents (units
// that work beside them, such as copy engines). Each actor has a clock, which moves whenever it
// publishes what it did. Thread t knows what actor a did until a's clock c when its view has
// view[a] >= c. Views that threads got at a common barrier are one object.
//
// A second clock vector, `fenced`, says how much of that a proxy fence has made visible to the
// async proxy. It follows the first through every publication, as the causality order of PTX does.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace fattn::simt::host {

/// What was known when it was published. Shared, immutable once published.
struct View {
  std::vector<uint32_t> known;   // by actor; actors beyond the end: 0
  std::vector<uint32_t> fenced;  // the same; empty where nothing was ever fenced
};
using ViewRef = std::shared_ptr<View const>;

inline uint32_t clock_in(std::vector<uint32_t> const& clocks, int actor) {
  return static_cast<size_t>(actor) < clocks.size() ? clocks[static_cast<size_t>(actor)] : 0;
}

class Knowledge {
 public:
  explicit Knowledge(int threads);

  /// A further actor. Its clock starts at 1 and is moved by `advance`.
  int add_agent();
  int threads() const { return static_cast<int>(views_.size()); }
  int actors() const { return static_cast<int>(clocks_.size()); }

  uint32_t now(int actor) const { return clocks_[static_cast<size_t>(actor)]; }
  uint32_t advance(int actor) { return clocks_[static_cast<size_t>(actor)]++; }

  /// Whether what `actor` did at `clock` happens before what `thread` does now.
  bool knows(int thread, int actor, uint32_t clock) const {
    return actor == thread || clock <= clock_in(views_[static_cast<size_t>(thread)]->known, actor);
  }
  /// Whether a proxy fence lies between, too.
  bool knows_fenced(int thread, int actor, uint32_t clock) const {
    return clock <= clock_in(views_[static_cast<size_t>(thread)]->fenced, actor);
  }

  /// fence.proxy.async: all that `thread` knows and did becomes visible to the async proxy.
  void fence(int thread);
  /// The view joins what `thread` knows.
  void acquire(int thread, ViewRef const& view);

 private:
  friend class Publication;

  std::vector<uint32_t> clocks_;  // by actor
  std::vector<ViewRef> views_;    // by thread
};

/// What several actors publish at one place: those who arrive at a barrier, say.
class Publication {
 public:
  /// All that `thread` knows and did until now.
  void add_thread(Knowledge& knowledge, int thread);
  /// What `agent` did until now.
  void add_agent(Knowledge& knowledge, int agent);
  /// A view of everything added; starts afresh.
  ViewRef take(Knowledge const& knowledge);
  /// For a thread that is itself part of `view`: as acquire, without a join.
  static void adopt(Knowledge& knowledge, int thread, ViewRef const& view);

 private:
  std::vector<ViewRef> views_;                    // distinct
  std::vector<std::pair<int, uint32_t>> actors_;  // and their own clocks
};

}  // namespace fattn::simt::host
