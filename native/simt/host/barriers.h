// The 16 barriers of a block: bar.sync and bar.arrive. Memory is ordered by them.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "simt/host/block.h"

namespace fattn::simt::host {

class Barrier final : public Waiting {
 public:
  Barrier(Block& block, int id)
      : block_(block), id_(id), lanes_(static_cast<size_t>(block.warps()), 0) {}

  /// The running thread reaches the barrier, which `threads` threads must reach; it waits for them
  /// or, having arrived, goes on.
  void reach(int threads, bool waits);

  std::string name() const override;
  std::string lacks() const override;

 private:
  void check_arrival(int threads) const;
  void check_whole_warps() const;
  void open();
  bool is_here(int thread) const {
    return (lanes_[static_cast<size_t>(thread / kWarpSize)] >> thread % kWarpSize & 1) != 0;
  }

  Block& block_;
  int id_;
  int expected_ = 0;
  std::vector<std::pair<int, bool>> arrived_;  // thread, and whether it waits
  std::vector<uint32_t> lanes_;                // the same threads, by warp
  Publication publication_;
};

class Barriers final : public Facility {
 public:
  explicit Barriers(Block& block);
  Barrier& at(int id) { return barriers_[static_cast<size_t>(id)]; }

 private:
  std::vector<Barrier> barriers_;
};

}  // namespace fattn::simt::host
