// Software prefetch for kernels that do not read memory in the order in which it lies.
#pragma once

#include <cstdint>

#include "backends/cpu/attention/scratch.h"

namespace fattn::cpu {

constexpr int kAheadBytes = 8 * 1024;  // least distance between what is asked for and what is used

/// Asks for cache lines in the order in which they lie, token by token.
class Ahead {
 public:
  Ahead() = default;
  /// `span` bytes of each of the tokens from `begin`, `stride` bytes apart, up to `end`; `distance`
  /// bytes ahead of what is used.
  Ahead(char const* begin, char const* end, int64_t span, int64_t stride, int64_t distance)
      : line_(begin),
        token_end_(begin + span),
        end_(end),
        stride_(stride),
        gap_(stride - round_up(span, 64)),
        due_(0) {
    advance(static_cast<int>(distance));
  }
  [[gnu::always_inline]] void advance(int bytes) {
    due_ += bytes;
    for (; due_ >= 64; due_ -= 64) {
      __builtin_prefetch(line_, 0, 3);
      line_ += 64;
      if (line_ < token_end_) continue;
      line_ += gap_;
      token_end_ += stride_;
      if (line_ >= end_) due_ = INT32_MIN / 2;
    }
  }

 private:
  char const *line_ = nullptr, *token_end_ = nullptr, *end_ = nullptr;
  int64_t stride_ = 0, gap_ = 0;
  int due_ = INT32_MIN / 2;  // bytes consumed since the last line was asked for
};

}  // namespace fattn::cpu
