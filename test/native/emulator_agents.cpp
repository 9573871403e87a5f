// What the emulator offers to units that work beside the threads (copy engines, matrix units):
// agents, proxy fences, bytes in flight and deferred work. Each rule stands with its violation.

#include <cstring>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;
using host::Access;
using host::AccessKind;
using host::Block;
using host::Proxy;

struct None {};

/// A unit that fills 16 bytes of shared memory when it gets round to it, and counts to whom it
/// told.
class Filler final : public host::Facility, public host::Waiting {
 public:
  explicit Filler(Block& block) : block_(block), agent_(block.add_agent("the filler")) {}

  /// The running thread has it fill the bytes at `offset`.
  void issue(int offset) {
    Access const access{block_.self(), agent_, AccessKind::kCopyAsync, Proxy::kAsync};
    auto& memory = block_.memory();
    memory.check(block_, access, offset, 16,
                 memory.shadow().begin_write(block_.knowledge(), access, offset, 16));
    block_.defer([this, offset] { land(offset); });
  }
  /// The unit reads 16 bytes in the name of the running thread.
  void read(int offset) {
    Access const access{block_.self(), agent_, AccessKind::kLoadMatrix, Proxy::kAsync};
    Quad value;
    block_.memory().load(block_, access, block_.memory().address() + static_cast<uint32_t>(offset),
                         16, &value);
  }
  /// What it has done becomes known to the running thread.
  void wait() {
    while (pending_ > 0 || !view_) {
      waiting_.push_back(block_.self());
      block_.park(*this);
    }
    block_.knowledge().acquire(block_.self(), view_);
  }
  void expect_work() { ++pending_; }

  std::string name() const override { return "the filler"; }
  std::string lacks() const override { return "which has nothing to do"; }

 private:
  void land(int offset) {
    Quad const filled{{1, 2, 3, 4}};
    std::memcpy(block_.memory().bytes_at(offset), &filled, sizeof filled);
    block_.memory().shadow().finish_write(block_.knowledge(), agent_, offset, 16);
    host::Publication publication;
    publication.add_agent(block_.knowledge(), agent_);
    view_ = publication.take(block_.knowledge());
    --pending_;
    for (int const thread : waiting_) block_.wake(thread);
    waiting_.clear();
  }

  Block& block_;
  int agent_;
  int pending_ = 0;
  host::ViewRef view_;
  std::vector<int> waiting_;
};

Filler& filler() { return host::block().facility<Filler>(); }

enum class Bug { kNone, kNoWait, kNoFence, kLateFence, kNothingIssued };

/// Thread 0 has the unit fill bytes, thread 1 reads them.
template <Bug kBug>
struct Fill : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    if (lane_index() == 0) {
      filler().expect_work();
      if (kBug != Bug::kNothingIssued) filler().issue(16);
    }
    sync_warp();
    if (lane_index() != 1) return;
    if (kBug != Bug::kNoWait) filler().wait();
    if (memory.at<uint32_t>(16).load(2) != 3) host::block().fail("wrong value");
  }
};

TEST(emulator_agents_fill_memory_for_those_who_wait) {
  expect_clean<Fill<Bug::kNone>>({});
  expect_mistake<Fill<Bug::kNothingIssued>>(
      {}, {"threads 1 wait at the filler, which has nothing to do", "threads 0, 2-31 have ended"});
}

TEST(emulator_finds_reads_of_what_an_agent_may_be_writing) {
  std::string const late = mistake_of<Fill<Bug::kNoWait>>({}, {1, Landing::kLate});
  expect(late.find("thread 1 (warp 0, lane 1): load of 4 bytes at offset 24") != std::string::npos,
         late);
  expect(late.find("(issued by the filler)") != std::string::npos, late);
  std::string const early = mistake_of<Fill<Bug::kNoWait>>({}, {1, Landing::kEarly});
  expect(early.find("races with the cp.async by the filler") != std::string::npos, early);
}

/// Thread 0 writes, and thread 1 has the unit read or overwrite what it knows of.
template <Bug kBug, bool kOverwrites>
struct Fence : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto& knowledge = host::block().knowledge();
    if (lane_index() == 0) {
      if (kBug == Bug::kLateFence) knowledge.fence(0);
      memory.at<Quad>(0).store(0, Quad{});
      if (kBug == Bug::kNone) knowledge.fence(0);
    }
    sync_warp();
    if (lane_index() == 1) {
      filler().expect_work();
      if (kOverwrites) filler().issue(0);
      if (!kOverwrites) filler().read(0);
    }
  }
};

TEST(emulator_finds_missing_proxy_fences) {
  std::string_view const text =
      "through the async proxy follows the store by thread 0 (warp 0, lane 0) through the generic "
      "one, with no proxy fence between";
  expect_mistake<Fence<Bug::kNoFence, false>>({}, {"thread 1", "16 bytes at offset 0", text});
  expect_mistake<Fence<Bug::kLateFence, false>>({}, {text});
  expect_mistake<Fence<Bug::kNoFence, true>>({}, {text});
  expect_clean<Fence<Bug::kNone, false>>({});
  expect_clean<Fence<Bug::kNone, true>>({});
}

/// The unit reads in thread 0's name; thread 0 overwrites, knowing that it is done or not.
template <Bug kBug>
struct ReadThenWrite : KernelShape<None, 32, 64> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    if (lane_index() != 0) return;
    memory.at<Quad>(0).store(0, Quad{});
    host::block().knowledge().fence(0);
    filler().read(0);
    if (kBug == Bug::kNone) {
      filler().expect_work();
      filler().issue(16);  // its end publishes all that the agent has done
      filler().wait();
    }
    memory.at<Quad>(0).store(0, Quad{});
  }
};

TEST(emulator_finds_overwriting_what_an_agent_reads) {
  expect_mistake<ReadThenWrite<Bug::kNoWait>>(
      {}, {"store of 16 bytes at offset 0 of shared memory races with the ldmatrix by the filler"});
  expect_clean<ReadThenWrite<Bug::kNone>>({});
}

TEST(emulator_fences_hold_for_what_was_known_through_others) {
  host::Knowledge knowledge(3);
  auto const meet = [&](int from, int to) {
    host::Publication publication;
    publication.add_thread(knowledge, from);
    knowledge.acquire(to, publication.take(knowledge));
  };
  uint32_t const clock = knowledge.now(0);
  meet(0, 1);
  expect(knowledge.knows(1, 0, clock) && !knowledge.knows_fenced(1, 0, clock));
  knowledge.fence(1);  // by another than the writer
  expect(knowledge.knows_fenced(1, 0, clock));
  meet(1, 2);
  expect(knowledge.knows(2, 0, clock) && knowledge.knows_fenced(2, 0, clock));
  expect(!knowledge.knows(2, 0, knowledge.now(0)), "what thread 0 does now is unknown");
  expect(!knowledge.knows(0, 1, 1), "thread 0 has learnt nothing");
}

}  // namespace
}  // namespace fattn::test
