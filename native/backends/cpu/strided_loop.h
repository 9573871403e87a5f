#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "backends/cpu/thread_pool.h"
#include "core/extents.h"

namespace fattn::cpu {

/// Walks one or two operands of equal sizes together, in runs along one axis. Axes that lie one
/// behind the other in both operands are merged, so that contiguous tensors are a single run.
class StridedLoop {
 public:
  enum class Order {
    kRowMajor,  // element i of the loop is element i of the tensors
    kAny,       // sorted by the strides of operand 0: it is written, and writes should be adjacent
  };

  StridedLoop(Order order, Extents const& sizes, Extents const& strides_0,
              Extents const& strides_1);
  StridedLoop(Order order, Extents const& sizes, Extents const& strides)
      : StridedLoop(order, sizes, strides, strides) {}

  int64_t elements() const { return elements_; }
  /// Elements from one of a run to the next.
  int64_t run_stride(int operand) const { return axes_[rank_ - 1].strides[operand]; }

  /// Calls run(first, offset_0, offset_1, count) for the elements [begin, end): `count` elements
  /// from loop position `first`, at these element offsets of the operands.
  template <class Run>
  void walk(int64_t begin, int64_t end, Run&& run) const {
    if (begin >= end) return;
    std::array<int64_t, kMaxRank> index{};
    int64_t offsets[2] = {0, 0};
    int64_t rest = begin;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      index[axis] = rest % axes_[axis].size;
      rest /= axes_[axis].size;
      for (int k = 0; k < 2; ++k) offsets[k] += index[axis] * axes_[axis].strides[k];
    }
    int const inner = rank_ - 1;
    for (int64_t at = begin; at < end;) {
      int64_t const count = std::min(axes_[inner].size - index[inner], end - at);
      run(at, offsets[0], offsets[1], count);
      at += count;
      for (int k = 0; k < 2; ++k) offsets[k] -= index[inner] * axes_[inner].strides[k];
      index[inner] = 0;
      for (int axis = inner - 1; axis >= 0; --axis) {  // one further, like an odometer
        bool const wraps = ++index[axis] == axes_[axis].size;
        int64_t const steps = wraps ? 1 - axes_[axis].size : 1;
        for (int k = 0; k < 2; ++k) offsets[k] += steps * axes_[axis].strides[k];
        if (!wraps) break;
        index[axis] = 0;
      }
    }
  }

 private:
  struct Axis {
    int64_t size;
    int64_t strides[2];
  };
  std::array<Axis, kMaxRank> axes_{};
  int rank_ = 0;  // at least 1
  int64_t elements_;
};

/// Calls body(begin, end) over [0, elements) in chunks that do not depend on the thread count.
void parallel_chunks(JobContext& context, int64_t elements, double nanoseconds_per_element,
                     FunctionRef<void(int64_t, int64_t)> body);

}  // namespace fattn::cpu
