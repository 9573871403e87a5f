// cp.async: copies that each thread issues, closes into groups and waits for. From issue to wait
// the target is in flight. Landing late, source and target are touched at the wait only; early, at
// once.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "simt/host/block.h"

namespace fattn::simt::host {

class AsyncCopies final : public Facility {
 public:
  explicit AsyncCopies(Block& block);

  /// `size` bytes to shared memory; zeros where `source` is null.
  void issue(uint32_t target, void const* source, int size);
  void commit();
  /// Until at most `pending` groups of the running thread are under way.
  void wait(int pending);

  void thread_ends(int thread) override;

 private:
  struct Copy {
    int offset;
    int size;
    void const* source;
  };
  using Group = std::vector<Copy>;
  struct Copier {  // one thread
    Group open;
    std::deque<Group> groups;
  };

  void land(Copy const& copy);

  Block& block_;
  std::vector<Copier> copiers_;
};

}  // namespace fattn::simt::host
