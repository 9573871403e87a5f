#include "backends/cpu/strided_loop.h"

namespace fattn::cpu {
namespace {

// Large enough that starting a chunk costs nothing, small enough for a second-level cache.
constexpr int64_t kChunk = 1 << 16;

}  // namespace

StridedLoop::StridedLoop(Order order, Extents const& sizes, Extents const& strides_0,
                         Extents const& strides_1)
    : elements_(sizes.product()) {
  std::array<Axis, kMaxRank> axes{};
  int rank = 0;
  for (int axis = 0; axis < sizes.rank(); ++axis)
    if (sizes[axis] != 1) axes[rank++] = {sizes[axis], {strides_0[axis], strides_1[axis]}};
  if (order == Order::kAny)
    std::stable_sort(axes.begin(), axes.begin() + rank,
                     [](Axis const& a, Axis const& b) { return a.strides[0] > b.strides[0]; });
  for (int axis = 0; axis < rank; ++axis) {
    Axis const& next = axes[axis];
    bool merges = rank_ > 0;
    for (int k = 0; k < 2 && merges; ++k)
      merges = axes_[rank_ - 1].strides[k] == next.strides[k] * next.size;
    if (merges)
      axes_[rank_ - 1] = {axes_[rank_ - 1].size * next.size, {next.strides[0], next.strides[1]}};
    else
      axes_[rank_++] = next;
  }
  if (rank_ == 0) axes_[rank_++] = {1, {1, 1}};
}

void parallel_chunks(JobContext& context, int64_t elements, double nanoseconds_per_element,
                     FunctionRef<void(int64_t, int64_t)> body) {
  int64_t const chunks = (elements + kChunk - 1) / kChunk;
  auto task = [&](int64_t chunk, Worker&) {
    body(chunk * kChunk, std::min(elements, (chunk + 1) * kChunk));
  };
  context.parallel_for(chunks, nanoseconds_per_element * static_cast<double>(elements), task);
}

}  // namespace fattn::cpu
