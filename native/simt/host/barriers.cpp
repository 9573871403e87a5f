#include "simt/host/barriers.h"

#include <algorithm>

#include "simt/host/ranges.h"

namespace fattn::simt::host {
namespace {

constexpr int kBarriers = 16;

}  // namespace

std::string Barrier::name() const { return "barrier " + std::to_string(id_); }

std::string Barrier::lacks() const {
  std::vector<int> missing;
  for (int t = 0; t < block_.threads(); ++t)
    if (!is_here(t)) missing.push_back(t);
  auto const lacking = static_cast<size_t>(expected_) - arrived_.size();
  return "which " + std::to_string(arrived_.size()) + " of " + std::to_string(expected_) +
         " threads have reached; missing are " +
         (lacking < missing.size() ? std::to_string(lacking) + " of " : "") + "threads " +
         ranges(missing);
}

void Barrier::check_arrival(int threads) const {
  if (threads <= 0 || threads % kWarpSize != 0 || threads > block_.threads())
    block_.fail("reaches " + name() + " for " + std::to_string(threads) +
                " threads, which is not a multiple of 32 up to the " +
                std::to_string(block_.threads()) + " of the block");
  if (arrived_.empty()) return;
  if (threads != expected_)
    block_.fail("reaches " + name() + " for " + std::to_string(threads) + " threads, others for " +
                std::to_string(expected_));
  if (is_here(block_.self()))
    block_.fail("reaches " + name() + " twice before " + std::to_string(expected_) +
                " threads have");
}

void Barrier::reach(int threads, bool waits) {
  check_arrival(threads);
  expected_ = threads;
  arrived_.emplace_back(block_.self(), waits);
  lanes_[static_cast<size_t>(block_.self() / kWarpSize)] |= 1u << block_.self() % kWarpSize;
  publication_.add_thread(block_.knowledge(), block_.self());
  if (static_cast<int>(arrived_.size()) == expected_) {
    check_whole_warps();
    open();
    block_.yield();
  } else if (waits) {
    block_.park(*this);
  }
}

/// bar.sync is .aligned: all lanes of a warp come to the same one.
void Barrier::check_whole_warps() const {
  for (size_t warp = 0; warp < lanes_.size(); ++warp)
    if (lanes_[warp] != 0 && lanes_[warp] != 0xffffffff)
      block_.fail_block(name() + " is reached by part of warp " + std::to_string(warp) +
                        ", without lanes " + ranges(set_bits(~lanes_[warp])));
}

void Barrier::open() {
  ViewRef const view = publication_.take(block_.knowledge());
  for (auto const& [thread, waits] : arrived_) {
    if (!waits) continue;
    Publication::adopt(block_.knowledge(), thread, view);
    if (thread != block_.self()) block_.wake(thread);
  }
  arrived_.clear();
  std::fill(lanes_.begin(), lanes_.end(), 0);
}

Barriers::Barriers(Block& block) {
  for (int id = 0; id < kBarriers; ++id) barriers_.emplace_back(block, id);
}

}  // namespace fattn::simt::host
