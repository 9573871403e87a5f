#include "simt/host/meeting.h"

#include <algorithm>

#include "simt/host/ranges.h"

namespace fattn::simt::host {
namespace {

std::string parameter_text(int64_t parameter) { return " with " + std::to_string(parameter); }

}  // namespace

Meeting::Meeting(Block& block, int first, int size, std::string place)
    : block_(block),
      first_(first),
      size_(size),
      place_(std::move(place)),
      here_(static_cast<size_t>(size), false),
      given_(static_cast<size_t>(size)),
      taken_(static_cast<size_t>(size)) {}

std::string Meeting::name() const { return std::string(primitive_->name) + " of " + place_; }

std::string Meeting::lacks() const { return "where threads " + ranges(missing()) + " are missing"; }

std::vector<int> Meeting::missing() const {
  std::vector<int> absent;
  for (int i = 0; i < size_; ++i)
    if (!here_[static_cast<size_t>(i)]) absent.push_back(first_ + i);
  return absent;
}

bool Meeting::come(Primitive const& primitive, int64_t parameter, void const* give, void* take) {
  if (!primitive_) {
    primitive_ = &primitive;
    parameter_ = parameter;
    for (int i = 0; i < size_; ++i)
      if (block_.has_ended(first_ + i))
        block_.fail("comes to " + name() + ", but thread " + std::to_string(first_ + i) +
                    " has ended");
  }
  if (primitive_ != &primitive)
    block_.fail(std::string("comes to ") + primitive.name + " while its " + place_ + " is at " +
                primitive_->name + ", where threads " + ranges(missing()) + " are missing");
  if (parameter_ != parameter)
    block_.fail("comes to " + name() + parameter_text(parameter) + ", others came" +
                parameter_text(parameter_));
  auto const index = static_cast<size_t>(block_.self() - first_);
  here_[index] = true;
  given_[index] = give;
  taken_[index] = take;
  return ++arrived_ == size_;
}

void Meeting::leave() {
  for (int i = 0; i < size_; ++i)
    if (first_ + i != block_.self()) block_.wake(first_ + i);
  std::fill(here_.begin(), here_.end(), false);
  primitive_ = nullptr;
  arrived_ = 0;
  block_.yield();
}

void Meeting::thread_ends() {
  if (primitive_)
    block_.fail("ends while its " + place_ + " is at " + primitive_->name + ", where threads " +
                ranges(missing()) + " are missing");
}

WarpMeetings::WarpMeetings(Block& block) {
  for (int warp = 0; warp < block.warps(); ++warp)
    meetings_.push_back(std::make_unique<Meeting>(block, warp * kWarpSize, kWarpSize,
                                                  "warp " + std::to_string(warp)));
}

void sync_warp() {
  static constexpr Primitive kSyncWarp{"sync_warp"};
  Knowledge& knowledge = block().knowledge();
  int const first = block().self() / kWarpSize * kWarpSize;
  char nothing;
  warp_meeting().meet(kSyncWarp, 0, &nothing, &nothing, [&](auto, auto) {
    Publication lanes;
    for (int lane = 0; lane < kWarpSize; ++lane) lanes.add_thread(knowledge, first + lane);
    ViewRef const view = lanes.take(knowledge);
    for (int lane = 0; lane < kWarpSize; ++lane) Publication::adopt(knowledge, first + lane, view);
  });
}

}  // namespace fattn::simt::host
