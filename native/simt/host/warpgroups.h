// Where the 128 threads of a warpgroup meet.
#pragma once

#include <memory>
#include <vector>

#include "simt/host/meeting.h"

namespace fattn::simt::host {

constexpr int kWarpgroupSize = 128;

class WarpgroupMeetings final : public Facility {
 public:
  explicit WarpgroupMeetings(Block& block);
  /// That of the running thread; fails where its warps are no whole warpgroup.
  Meeting& mine();
  void thread_ends(int thread) override;

 private:
  Block& block_;
  std::vector<std::unique_ptr<Meeting>> meetings_;
};

inline Meeting& warpgroup_meeting() { return block().facility<WarpgroupMeetings>().mine(); }

}  // namespace fattn::simt::host
