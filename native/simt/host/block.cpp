#include "simt/host/block.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <utility>

#include "simt/host/kernel.h"
#include "simt/host/ranges.h"

namespace fattn::simt::host {
namespace {

constexpr uint32_t kAllLanes = 0xffffffff;
constexpr uint32_t kSharedAlignment = 1024;
// Atomics one after the other with no thread meeting, parting or ending: a loop that waits in vain.
constexpr int kSpins = 1 << 22;
constexpr int kStarvation = 4096;  // draws, then the starved warp is fed: another may spin for it

/// The first set bit of `mask` from `start` on, cyclically.
int bit_from(uint32_t mask, int start) {
  uint32_t const high = mask & (kAllLanes << start);
  return std::countr_zero(high ? high : mask);
}

uint64_t block_seed(Launch const& launch, Index3 index) {
  uint64_t const place = (uint64_t{index.z} * launch.grid.y + index.y) * launch.grid.x + index.x;
  return mix(launch.options.seed, place);
}

}  // namespace

constinit thread_local Block* current_block = nullptr;

size_t new_facility_slot() {
  static std::atomic<size_t> slots = 0;
  return slots++;
}

Block::Block(Launch const& launch, Index3 index, SharedWindow& memory)
    : launch_(launch),
      index_(index),
      memory_(memory),
      random_(block_seed(launch, index)),
      knowledge_(launch.kernel.threads),
      ready_(static_cast<size_t>(warps()), kAllLanes),
      ended_(static_cast<size_t>(warps()), 0),
      ready_warps_(warps() == 32 ? kAllLanes : (1u << warps()) - 1),
      running_(threads()) {
  constexpr int kStubbornness[] = {0, 4, 7};
  stubbornness_ = kStubbornness[random_.below(3)];
  starvation_ = kStarvation;
  if (warps() > 1 && random_.below(2) == 0) starved_warps_ = 1u << random_.below(warps());
  memory_.reset(launch.kernel.shared_bytes,
                kSharedAlignment * static_cast<uint32_t>(1 + random_.below(8)));
}

void Block::run(Fibres const& fibres) {
  for (int t = 0; t < threads(); ++t)
    threads_.push_back({this, t, fibres[static_cast<size_t>(t)].get(), nullptr});
  for (auto& thread : threads_) thread.fibre->start(&Block::run_thread, &thread);
  Block* const outer = std::exchange(current_block, this);
  host_ = host_context();
  switch_context(host_, next());
  current_block = outer;
  if (failure_) std::rethrow_exception(failure_);
}

Context& Block::run_thread(void* argument) {
  Thread const& thread = *static_cast<Thread*>(argument);
  Block& block = *thread.block;
  try {
    auto const& kernel = block.launch_.kernel;
    auto const& entry = *static_cast<EmulatedEntry const*>(kernel.entry);
    entry.run(block.launch_.params, block.memory_.address());
    block.end_thread();
    return block.next();
  } catch (...) {
    block.failure_ = std::current_exception();
    return block.host_;
  }
}

void Block::end_thread() {
  ended_[static_cast<size_t>(self_ / kWarpSize)] |= 1u << self_ % kWarpSize;
  --running_;
  spins_ = 0;
  for (auto const& facility : facilities_)
    if (facility) facility->thread_ends(self_);
}

/// The context of the next thread, drawn; of the host when all have ended.
Context& Block::next() {
  while (ready_warps_ == 0) {
    if (!deferred_.empty()) {
      run_deferred();
    } else if (running_ == 0) {
      return host_;
    } else {
      report_deadlock();
    }
  }
  uint64_t const chance = random_.next();
  int warp = self_ / kWarpSize;
  bool const stays =
      (ready_warps_ >> warp & 1) != 0 && static_cast<int>(chance & 7) < stubbornness_;
  if (!stays) {
    if (starvation_ > 0 && --starvation_ == 0) starved_warps_ = 0;
    uint32_t const fed = ready_warps_ & ~starved_warps_;
    warp = bit_from(fed ? fed : ready_warps_,
                    Random::scaled(static_cast<uint32_t>(chance >> 32), warps()));
  }
  auto& lanes = ready_[static_cast<size_t>(warp)];
  int const lane = bit_from(lanes, static_cast<int>(chance >> 3 & 31));
  lanes &= ~(1u << lane);
  if (lanes == 0) ready_warps_ &= ~(1u << warp);
  self_ = warp * kWarpSize + lane;
  return threads_[static_cast<size_t>(self_)].fibre->context();
}

void Block::suspend() {
  auto& mine = threads_[static_cast<size_t>(self_)];
  Context& to = next();
  if (&to != &mine.fibre->context()) switch_context(mine.fibre->context(), to);
}

void Block::park(Waiting const& reason) {
  auto& mine = threads_[static_cast<size_t>(self_)];
  mine.reason = &reason;
  suspend();
  mine.reason = nullptr;
}

void Block::wake(int thread) {
  spins_ = 0;
  make_ready(thread);
}

void Block::make_ready(int thread) {
  int const warp = thread / kWarpSize;
  ready_[static_cast<size_t>(warp)] |= 1u << thread % kWarpSize;
  ready_warps_ |= 1u << warp;
}

void Block::yield() {
  if (++spins_ == kSpins)
    fail(std::to_string(kSpins) +
         " atomics of the block in a row, and nothing comes of it: it spins for what never happens,"
         " or for another block, which need not run at the same time");
  make_ready(self_);
  suspend();
}

void Block::defer(std::function<void()> work) {
  deferred_.push_back(std::move(work));
  if (!lands_late()) run_deferred();
}

void Block::run_deferred() {
  auto const which = random_.below(static_cast<int>(deferred_.size()));
  auto const work = std::move(deferred_[static_cast<size_t>(which)]);
  deferred_.erase(deferred_.begin() + which);
  work();
}

bool Block::has_ended(int thread) const {
  return (ended_[static_cast<size_t>(thread / kWarpSize)] >> thread % kWarpSize & 1) != 0;
}

void Block::report_deadlock() const {
  std::vector<std::pair<Waiting const*, std::vector<int>>> waiting;
  std::vector<int> ended;
  for (auto const& thread : threads_) {
    if (has_ended(thread.index)) {
      ended.push_back(thread.index);
      continue;
    }
    auto const same = [&](auto const& group) { return group.first == thread.reason; };
    auto group = std::find_if(waiting.begin(), waiting.end(), same);
    if (group == waiting.end()) group = waiting.insert(group, {thread.reason, {}});
    group->second.push_back(thread.index);
  }
  std::string text = "no thread can continue";
  for (auto const& [reason, threads] : waiting)
    text += "; threads " + ranges(threads) + " wait at " + reason->name() + ", " + reason->lacks();
  if (!ended.empty()) text += "; threads " + ranges(ended) + " have ended";
  fail_block(text);
}

int Block::add_agent(std::string name) {
  agents_.push_back(std::move(name));
  return knowledge_.add_agent();
}

std::string Block::name_of_actor(int actor) const {
  if (actor >= threads()) return agents_[static_cast<size_t>(actor - threads())];
  return "thread " + std::to_string(actor) + " (warp " + std::to_string(actor / kWarpSize) +
         ", lane " + std::to_string(actor % kWarpSize) + ")";
}

void Block::fail(std::string const& mistake) const { fail(self_, mistake); }

void Block::fail(int actor, std::string const& mistake) const {
  fail_block(name_of_actor(actor) + ": " + mistake);
}

void Block::fail_block(std::string const& mistake) const {
  throw EmulationError(
      "kernel " + std::string(launch_.kernel.name) + ", block (" + std::to_string(index_.x) + ", " +
      std::to_string(index_.y) + ", " + std::to_string(index_.z) + "), " + mistake + " [seed " +
      std::to_string(seed()) + ", landing " + (lands_late() ? "late" : "early") + "]");
}

}  // namespace fattn::simt::host
