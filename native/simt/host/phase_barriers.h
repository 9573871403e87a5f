// The mbarriers of a block. A phase that can never end, an arrival or a byte too many, and bytes
// that come in another phase than the one their copy was asked for in are mistakes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simt/host/block.h"

namespace fattn::simt::host {

class PhaseBarrier {
 public:
  PhaseBarrier(Block& block, int offset, int arrivals);

  // ---- by the running thread
  void fence();
  void expect(int bytes);
  void arrive();
  void wait(int parity);
  bool test(int parity);

  // ---- for bulk loads
  /// In whose name they write.
  int agent() const { return agent_; }
  /// The running thread asks for one. Returns the phase that it belongs to.
  int begin_load();
  void finish_load(int phase, int bytes);
  /// What is still to come, or was never waited for, when all threads have ended.
  void check_end() const;

  std::string name() const { return "mbarrier at offset " + std::to_string(offset_); }
  int maker() const { return maker_; }

 private:
  class PhaseEnd final : public Waiting {
   public:
    PhaseEnd(PhaseBarrier const& barrier, int parity) : barrier_(barrier), parity_(parity) {}
    std::string name() const override;
    std::string lacks() const override { return "which is in " + barrier_.state(); }

   private:
    PhaseBarrier const& barrier_;
    int parity_;
  };

  void check_use() const;
  bool has_ended(int parity) const;
  void settle();
  void acquire();
  std::string state() const;

  Block& block_;
  int offset_, arrivals_;
  int maker_;
  uint32_t made_at_;
  bool fenced_ = false;
  int agent_;

  int phase_ = 0;
  int missing_;             // arrivals of this phase
  int64_t bytes_ = 0;       // expected of this phase and not written yet
  int loads_ = 0;           // under way
  bool loaded_ = false;     // bytes have come in this phase
  bool unclaimed_ = false;  // bytes came in the last phase, and nobody has waited for its end
  int polls_ = 0;
  Publication publication_;
  ViewRef ended_;  // what the end of the last phase made known
  std::array<PhaseEnd, 2> ends_;
  std::vector<int> waiting_;
};

class PhaseBarriers final : public Facility {
 public:
  explicit PhaseBarriers(Block& block);

  void init(uint32_t address, int arrivals);
  /// By the running thread, of all that it has made.
  void fence_init();
  PhaseBarrier& at(uint32_t address);

  void thread_ends(int thread) override;

 private:
  int offset_of(uint32_t address) const;

  Block& block_;
  int running_ = 0;
  std::map<int, std::unique_ptr<PhaseBarrier>> barriers_;  // by offset
};

}  // namespace fattn::simt::host
