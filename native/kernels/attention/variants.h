// The variant axis: which (query, key) pairs count, and what becomes of a score. Written once for
// every backend: tiles of all sizes and instruction sets ask these functions.
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn {

/// The structural masks of one query head: everything that follows from positions alone.
struct StructuralMask {
  bool causal;           // j <= a(i), or both below `prefix`
  int32_t window_left;   // keys before the aligned one, -1 = unbounded
  int32_t window_right;  // keys after it, -1 = unbounded
  int32_t sink_tokens;   // first keys that the window never hides
};

/// Keys one query row may see: those of [lo, hi), and those below `sink`.
struct KeyLimits {
  int32_t lo;
  int32_t hi;
  int32_t sink;
};

/// Limits of the row aligned with key `aligned` = i + seq_kv - seq_q (bottom-right alignment).
FATTN_HOST_DEVICE KeyLimits key_limits(StructuralMask const& mask, int64_t aligned, int64_t seq_kv,
                                       int64_t prefix) {
  int64_t bound = seq_kv;
  if (mask.causal) {
    int64_t reach = aligned + 1;
    if (aligned < prefix && reach < prefix) reach = prefix;
    if (reach < bound) bound = reach;
    if (bound < 0) bound = 0;
  }
  int64_t lo = mask.window_left >= 0 ? aligned - mask.window_left : 0;
  int64_t hi = mask.window_right >= 0 ? aligned + mask.window_right + 1 : bound;
  if (hi > bound) hi = bound;
  if (lo < 0) lo = 0;
  if (hi <= lo) lo = hi = 0;
  int64_t sink = mask.sink_tokens < bound ? mask.sink_tokens : bound;
  return {static_cast<int32_t>(lo), static_cast<int32_t>(hi), static_cast<int32_t>(sink)};
}

FATTN_HOST_DEVICE bool sees(KeyLimits const& limits, int32_t key) {
  return (key >= limits.lo && key < limits.hi) || key < limits.sink;
}

/// What a block of query rows may see, as a union and as an intersection of their limits.
struct RowBlockLimits {
  int32_t min_lo, max_lo, min_hi, max_hi, min_sink, max_sink;

  FATTN_HOST_DEVICE static RowBlockLimits none() {
    return {INT32_MAX, 0, INT32_MAX, 0, INT32_MAX, 0};
  }
  FATTN_HOST_DEVICE void add(KeyLimits const& row) {
    if (row.hi > row.lo && row.lo < min_lo) min_lo = row.lo;
    if (row.lo > max_lo) max_lo = row.lo;
    if (row.hi < min_hi) min_hi = row.hi;
    if (row.hi > max_hi) max_hi = row.hi;
    if (row.sink < min_sink) min_sink = row.sink;
    if (row.sink > max_sink) max_sink = row.sink;
  }
  /// No row sees any key of [begin, end).
  FATTN_HOST_DEVICE bool hides(int32_t begin, int32_t end) const {
    return max_sink <= begin && (max_hi <= begin || min_lo >= end);
  }
  /// Every row sees every key of [begin, end).
  FATTN_HOST_DEVICE bool shows(int32_t begin, int32_t end) const {
    return min_sink >= end || (max_lo <= begin && min_hi >= end);
  }
};

}  // namespace fattn
