// Software prefetch beside the second convolution, which leaves memory alone: what the next steps
// of a tile read and write lies in rows of one head a token apart, and no hardware prefetcher
// follows those.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::cpu {

/// Rows of memory, line by line.
class RowLines {
 public:
  RowLines() = default;
  template <class Element>
  RowLines(Element const* first, int64_t stride, int32_t rows, int32_t width)
      : row_(reinterpret_cast<char const*>(first)),
        stride_(stride * static_cast<int64_t>(sizeof(Element))),
        left_(rows),
        bytes_(width * static_cast<int32_t>(sizeof(Element))) {}

  /// Asks for some further rows to come to the second-level cache.
  void fetch(int32_t rows) {
    for (; rows > 0 && left_ > 0; --rows, --left_, row_ += stride_)
      for (int32_t byte = 0; byte < bytes_; byte += kLine) __builtin_prefetch(row_ + byte, 0, 2);
  }
  int32_t left() const { return left_; }

 private:
  static constexpr int32_t kLine = 64;
  char const* row_ = nullptr;
  int64_t stride_ = 0;
  int32_t left_ = 0, bytes_ = 0;
};

/// What is wanted soon, asked for a little at each step of `steps`.
class RowsAhead {
 public:
  explicit RowsAhead(int32_t steps) : steps_(steps > 0 ? steps : 1) {}
  void add(RowLines const& lines) {
    sets_[count_++] = {lines, (lines.left() + steps_ - 1) / steps_};
  }
  void step() {
    for (int i = 0; i < count_; ++i) sets_[i].lines.fetch(sets_[i].rows);
  }

 private:
  static constexpr int kMost = 5;
  struct Set {
    RowLines lines;
    int32_t rows = 0;  // per step
  };
  Set sets_[kMost];
  int32_t steps_;
  int count_ = 0;
};

}  // namespace fattn::cpu
