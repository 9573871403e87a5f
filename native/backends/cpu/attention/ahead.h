// Software prefetch for kernels that do not read memory in the order in which it lies.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::cpu {

// Distance between what is asked for and what is used. In the last-level cache little is best (Zen
// 5, one query at d = 64: 8 KB cost 2 % of the speed, 32 KB a sixth); memory hardly cares.
constexpr int kAheadBytes = 4 * 1024, kMostAheadBytes = 128 * 1024;

/// Asks for cache lines in the order in which they lie, token by token.
class Ahead {
 public:
  Ahead() = default;
  /// `span` bytes of each of the tokens from `begin`, `stride` bytes apart, up to `end`; `distance`
  /// bytes ahead of what is used.
  FATTN_HOST_DEVICE Ahead(char const* begin, char const* end, int64_t span, int64_t stride,
                          int64_t distance)
      : line_(begin), span_end_(begin + span), end_(end), span_(span), stride_(stride) {
    if (span == stride) span_end_ = end;  // no gaps
    for (; distance > 0; distance -= 64) advance<64>();
  }

  /// Asks for the next kBytes, to be called when as many are used.
  template <int kBytes>
  FATTN_HOST_DEVICE void advance() {
    if constexpr (kBytes < 64) {
      due_ += kBytes;
      if (due_ < 64) return;
      due_ -= 64;
      ask();
    } else if (__builtin_expect(span_end_ - line_ >= kBytes, 1)) {
      FATTN_UNROLL for (int i = 0; i < kBytes; i += 64) __builtin_prefetch(line_ + i, 0, 3);
      line_ += kBytes;
    } else {
      for (int i = 0; i < kBytes; i += 64) ask();
    }
  }

 private:
  FATTN_HOST_DEVICE void ask() {
    if (line_ >= span_end_) next_span();
    __builtin_prefetch(line_, 0, 3);
    line_ += 64;
  }
  FATTN_HOST_DEVICE void next_span() {
    if (span_end_ >= end_) {  // all is asked for: stay at the last lines, which are there
      line_ = end_ - span_;
      return;
    }
    line_ = span_end_ - span_ + stride_;
    span_end_ += stride_;
  }

  char const *line_ = nullptr, *span_end_ = nullptr, *end_ = nullptr;
  int64_t span_ = 0, stride_ = 0;
  int due_ = 0;  // bytes used since the last line was asked for, where a step is less than a line
};

}  // namespace fattn::cpu
