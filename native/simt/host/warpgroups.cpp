#include "simt/host/warpgroups.h"

namespace fattn::simt::host {

WarpgroupMeetings::WarpgroupMeetings(Block& block) : block_(block) {
  for (int i = 0; i < block.threads() / kWarpgroupSize; ++i)
    meetings_.push_back(std::make_unique<Meeting>(block, i * kWarpgroupSize, kWarpgroupSize,
                                                  "warpgroup " + std::to_string(i)));
}

Meeting& WarpgroupMeetings::mine() {
  auto const index = static_cast<size_t>(block_.self() / kWarpgroupSize);
  if (index >= meetings_.size())
    block_.fail("comes to a primitive of a warpgroup, but the " + std::to_string(block_.threads()) +
                " threads of the block give it no whole one");
  return *meetings_[index];
}

void WarpgroupMeetings::thread_ends(int thread) {
  auto const index = static_cast<size_t>(thread / kWarpgroupSize);
  if (index < meetings_.size()) meetings_[index]->thread_ends();
}

}  // namespace fattn::simt::host
