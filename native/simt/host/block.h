// One thread block under emulation: a fibre per thread, of which one runs at a time, until it
// waits. Which ready thread continues is drawn by the seed; so are, per block, how stubbornly one
// warp is preferred, and a warp that starves while another can run: pipelines then see their
// extremes.
//
// How to add a primitive that waits, or asynchronous work: write a Facility, an object per block
// that is made on first use (`block.facility<T>()`). It suspends threads with `park`, continues
// them with `wake`, hands `defer` what a unit beside the threads does in its own time (it runs as
// soon as possible or, landing late, when no thread can run), and says through Waiting what it
// lacks. shared_window.h checks accesses; barriers.h, meeting.h and async_copies.h are examples.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simt/host/emulate.h"
#include "simt/host/fibre.h"
#include "simt/host/knowledge.h"
#include "simt/host/random.h"
#include "simt/host/shared_window.h"

namespace fattn::simt::host {

class Block;

/// What is the same for all blocks of a launch.
struct Launch {
  CompiledKernel kernel;
  Index3 grid;
  void const* params;
  EmulationOptions options;
};

/// Something that threads wait for, as a report of a deadlock names it.
class Waiting {
 public:
  virtual ~Waiting() = default;
  /// "barrier 3"
  virtual std::string name() const = 0;
  /// What is missing: "32 of 64 threads have come, missing threads 32-63"; empty where nobody
  /// waits.
  virtual std::string lacks() const = 0;
};

/// Part of the emulated hardware, one per block.
class Facility {
 public:
  virtual ~Facility() = default;
  /// The thread has returned from the kernel. May fail.
  virtual void thread_ends(int thread) { (void)thread; }
};

class Block {
 public:
  Block(Launch const& launch, Index3 index, SharedWindow& memory);
  /// Runs the kernel; throws what went wrong.
  void run(Fibres const& fibres);

  // ---- the running thread
  int self() const { return self_; }
  Index3 index() const { return index_; }
  Launch const& launch() const { return launch_; }
  int threads() const { return launch_.kernel.threads; }
  int warps() const { return threads() / kWarpSize; }
  uint64_t seed() const { return launch_.options.seed; }
  uint64_t error_seed() const { return launch_.options.error_seed; }
  bool lands_late() const { return launch_.options.landing == Landing::kLate; }
  Random& random() { return random_; }
  Knowledge& knowledge() { return knowledge_; }
  SharedWindow& memory() { return memory_; }

  template <class T>
  T& facility();

  // ---- scheduling
  /// Suspends the running thread until `wake`.
  void park(Waiting const& reason);
  void wake(int thread);
  /// Another thread may go first.
  void yield();
  /// Work of a unit beside the threads.
  void defer(std::function<void()> work);
  bool has_ended(int thread) const;

  // ---- mistakes
  /// Throws the mistake with the running thread, block, kernel and seed.
  [[noreturn]] void fail(std::string const& mistake) const;
  [[noreturn]] void fail(int actor, std::string const& mistake) const;
  /// The same, about nobody in particular.
  [[noreturn]] void fail_block(std::string const& mistake) const;
  /// "thread 37 (warp 1, lane 5)", or the name of an agent.
  std::string name_of_actor(int actor) const;
  int add_agent(std::string name);

 private:
  struct Thread {
    Block* block;
    int index;
    Fibre* fibre;
    Waiting const* reason;
  };

  static Context& run_thread(void* thread);
  Context& next();
  void make_ready(int thread);
  void suspend();
  void end_thread();
  void run_deferred();
  [[noreturn]] void report_deadlock() const;

  Launch const& launch_;
  Index3 index_;
  SharedWindow& memory_;
  Random random_;
  Knowledge knowledge_;
  std::vector<std::string> agents_;
  std::vector<std::unique_ptr<Facility>> facilities_;
  std::vector<std::function<void()>> deferred_;

  std::vector<Thread> threads_;
  std::vector<uint32_t> ready_, ended_;  // lanes, by warp
  uint32_t ready_warps_ = 0;
  uint32_t starved_warps_ = 0;
  int starvation_ = 0;    // draws until they are fed
  int stubbornness_ = 0;  // in eighths
  int spins_ = 0;         // yields since anything else happened
  int running_ = 0;       // threads that have not ended
  int self_ = 0;
  Context host_;
  std::exception_ptr failure_;
};

/// The block that runs on this host thread. Null outside of one.
extern constinit thread_local Block* current_block;
inline Block& block() { return *current_block; }

size_t new_facility_slot();

template <class T>
T& Block::facility() {
  // Not a variable template: host logic that sees these headers in a binary without the emulator
  // would have to initialise it.
  static size_t const slot = new_facility_slot();
  if (facilities_.size() <= slot) facilities_.resize(slot + 1);
  auto& facility = facilities_[slot];
  if (!facility) facility = std::make_unique<T>(*this);
  return static_cast<T&>(*facility);
}

}  // namespace fattn::simt::host
