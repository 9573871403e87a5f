#include "simt/host/phase_barriers.h"

#include <utility>

namespace fattn::simt::host {
namespace {

constexpr int64_t kMaxBytes = (int64_t{1} << 20) - 1;
constexpr int kMaxArrivals = (1 << 20) - 1;
constexpr int kMaxPolls = 1 << 20;  // in a row in vain: nothing will come any more
constexpr int kBytes = 8;

class Polling final : public Waiting {
 public:
  std::string name() const override { return "mbarrier_test"; }
  std::string lacks() const override { return "for time to pass"; }
};

}  // namespace

PhaseBarrier::PhaseBarrier(Block& block, int offset, int arrivals)
    : block_(block),
      offset_(offset),
      arrivals_(arrivals),
      maker_(block.self()),
      made_at_(block.knowledge().now(block.self())),
      agent_(block.add_agent("the bulk loads of the " + name())),
      missing_(arrivals),
      ends_{PhaseEnd(*this, 0), PhaseEnd(*this, 1)} {}

std::string PhaseBarrier::PhaseEnd::name() const {
  return barrier_.name() + " for the end of a phase of parity " + std::to_string(parity_);
}

std::string PhaseBarrier::state() const {
  return "phase " + std::to_string(phase_) + " (parity " + std::to_string(phase_ % 2) +
         "): " + std::to_string(missing_) + " of " + std::to_string(arrivals_) + " arrivals and " +
         std::to_string(bytes_) + " bytes are pending";
}

void PhaseBarrier::check_use() const {
  if (!block_.knowledge().knows(block_.self(), maker_, made_at_))
    block_.fail("uses the " + name() + ", but nothing orders that after its mbarrier_init by " +
                block_.name_of_actor(maker_));
}

void PhaseBarrier::fence() { fenced_ = true; }

void PhaseBarrier::expect(int bytes) {
  check_use();
  bytes_ += bytes;
  if (bytes < 0 || bytes_ > kMaxBytes)
    block_.fail("has the " + name() + " expect " + std::to_string(bytes) +
                " bytes: " + std::to_string(bytes_) + " would be pending, at most " +
                std::to_string(kMaxBytes) + " can be");
}

void PhaseBarrier::arrive() {
  check_use();
  if (missing_ == 0)
    block_.fail("arrives at the " + name() + ", where all " + std::to_string(arrivals_) +
                " arrivals of phase " + std::to_string(phase_) + " have come, but " +
                std::to_string(bytes_) + " bytes are pending");
  --missing_;
  publication_.add_thread(block_.knowledge(), block_.self());
  settle();
  block_.yield();
}

void PhaseBarrier::settle() {
  if (missing_ > 0) return;
  if (bytes_ < 0)
    block_.fail_block(name() + ": " + std::to_string(-bytes_) + " bytes more have come in phase " +
                      std::to_string(phase_) + " than it expected");
  if (bytes_ > 0) return;
  publication_.add_agent(block_.knowledge(), agent_);
  ended_ = publication_.take(block_.knowledge());
  ++phase_;
  missing_ = arrivals_;
  unclaimed_ = std::exchange(loaded_, false);
  polls_ = 0;
  for (int const thread : waiting_) block_.wake(thread);
  waiting_.clear();
}

bool PhaseBarrier::has_ended(int parity) const {
  if (parity != 0 && parity != 1)
    block_.fail("waits at the " + name() + " for parity " + std::to_string(parity) +
                ", expected 0 or 1");
  return phase_ % 2 != parity;
}

void PhaseBarrier::acquire() {
  if (!ended_) return;  // the phase before the first
  block_.knowledge().acquire(block_.self(), ended_);
  unclaimed_ = false;
}

void PhaseBarrier::wait(int parity) {
  check_use();
  while (!has_ended(parity)) {
    waiting_.push_back(block_.self());
    block_.park(ends_[static_cast<size_t>(parity)]);
  }
  acquire();
}

bool PhaseBarrier::test(int parity) {
  static Polling const polling;
  check_use();
  if (has_ended(parity)) {
    acquire();
    return true;
  }
  if (++polls_ > kMaxPolls) block_.fail("polls the " + name() + " in vain, which is in " + state());
  // Time passes: whatever can happen goes first, in any order.
  block_.defer([this, self = block_.self()] { block_.wake(self); });
  block_.park(polling);
  return false;
}

int PhaseBarrier::begin_load() {
  check_use();
  if (!fenced_)
    block_.fail("has a bulk load count at the " + name() +
                ", whose mbarrier_init was not followed by mbarrier_fence_init");
  ++loads_;
  return phase_;
}

void PhaseBarrier::finish_load(int phase, int bytes) {
  --loads_;
  if (phase != phase_)
    block_.fail_block(name() + ": " + std::to_string(bytes) + " bytes of a bulk load of phase " +
                      std::to_string(phase) + " have come in phase " + std::to_string(phase_) +
                      ": the former ended without expecting them");
  bytes_ -= bytes;
  if (bytes_ < -kMaxBytes)
    block_.fail_block(name() + ": " + std::to_string(-bytes_) +
                      " bytes have come that were not expected");
  loaded_ = true;
  settle();
}

void PhaseBarrier::check_end() const {
  if (loads_ > 0)
    block_.fail_block("all threads have ended while " + std::to_string(loads_) +
                      " bulk loads are under way at the " + name());
  if (loaded_ || unclaimed_)
    block_.fail_block(
        "all threads have ended, and none has waited for the last bulk loads at the " + name());
}

PhaseBarriers::PhaseBarriers(Block& block) : block_(block) {
  for (int t = 0; t < block.threads(); ++t) running_ += block.has_ended(t) ? 0 : 1;
}

int PhaseBarriers::offset_of(uint32_t address) const {
  Access const access{block_.self(), block_.self(), AccessKind::kMBarrier};
  return block_.memory().offset_of(block_, access, address, kBytes, kBytes);
}

void PhaseBarriers::init(uint32_t address, int arrivals) {
  int const offset = offset_of(address);
  if (arrivals < 1 || arrivals > kMaxArrivals)
    block_.fail("makes an mbarrier for " + std::to_string(arrivals) + " arrivals, expected 1 .. " +
                std::to_string(kMaxArrivals));
  if (barriers_.contains(offset))
    block_.fail("makes the mbarrier at offset " + std::to_string(offset) + " a second time");
  // In flight for ever: no load or store may touch it.
  Access const access{block_.self(), block_.self(), AccessKind::kMBarrier};
  auto& memory = block_.memory();
  memory.check(block_, access, offset, kBytes,
               memory.shadow().begin_write(block_.knowledge(), access, offset, kBytes));
  barriers_.emplace(offset, std::make_unique<PhaseBarrier>(block_, offset, arrivals));
}

void PhaseBarriers::fence_init() {
  for (auto const& [offset, barrier] : barriers_)
    if (barrier->maker() == block_.self()) barrier->fence();
}

PhaseBarrier& PhaseBarriers::at(uint32_t address) {
  int const offset = offset_of(address);
  auto const found = barriers_.find(offset);
  if (found == barriers_.end())
    block_.fail("uses an mbarrier at offset " + std::to_string(offset) + ", where none was made");
  return *found->second;
}

void PhaseBarriers::thread_ends(int) {
  if (--running_ > 0) return;
  for (auto const& [offset, barrier] : barriers_) barrier->check_end();
}

}  // namespace fattn::simt::host
