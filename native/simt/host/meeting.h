// Collectives: threads that lie side by side come to one primitive together, each with something to
// give and somewhere to take; the last to come does the work of all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simt/host/block.h"

namespace fattn::simt::host {

/// Names a primitive; its address tells it from others.
struct Primitive {
  char const* name;
};

/// Where `size` threads from `first` on meet. One per warp; larger ones are made in the same way.
class Meeting final : public Waiting {
 public:
  Meeting(Block& block, int first, int size, std::string place);

  /// The running thread comes to `primitive` with a parameter that all must share. Whoever comes
  /// last calls `work(give, take)`, arrays of what the threads brought, and all continue.
  template <class Give, class Take, class Work>
  void meet(Primitive const& primitive, int64_t parameter, Give const* give, Take* take,
            Work work) {
    if (!come(primitive, parameter, give, take)) return block_.park(*this);
    work(reinterpret_cast<Give const* const*>(given_.data()),
         reinterpret_cast<Take* const*>(taken_.data()));
    leave();
  }

  /// One of its threads has ended: a mistake if others wait here.
  void thread_ends();

  std::string name() const override;
  std::string lacks() const override;

 private:
  bool come(Primitive const& primitive, int64_t parameter, void const* give, void* take);
  void leave();
  std::vector<int> missing() const;

  Block& block_;
  int first_, size_;
  std::string place_;
  Primitive const* primitive_ = nullptr;  // null: nobody is here
  int64_t parameter_ = 0;
  int arrived_ = 0;
  std::vector<bool> here_;
  std::vector<void const*> given_;
  std::vector<void*> taken_;
};

/// The meetings of warps.
class WarpMeetings final : public Facility {
 public:
  explicit WarpMeetings(Block& block);
  Meeting& of(int thread) { return *meetings_[static_cast<size_t>(thread / kWarpSize)]; }
  void thread_ends(int thread) override { of(thread).thread_ends(); }

 private:
  std::vector<std::unique_ptr<Meeting>> meetings_;
};

/// The meeting of the running thread's warp.
inline Meeting& warp_meeting() { return block().facility<WarpMeetings>().of(block().self()); }

/// All lanes of the running thread's warp, with their memory.
void sync_warp();

}  // namespace fattn::simt::host
