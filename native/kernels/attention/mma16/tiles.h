// Which tiles of keys a block walks through.
#pragma once

#include "kernels/attention/schedule.h"

namespace fattn::mma16 {

/// The tiles that some row of the block sees, in order: those with sink tokens, then those that the
/// windows show.
template <int kKeys>
struct KeyTiles {
  int32_t count;  // of all
  int32_t sinks;  // with sink tokens
  int32_t first;  // first key of the first tile, and of the first that windows show
  int32_t first_seen;

  /// First key of the tile of a step.
  FATTN_DEVICE int32_t key(int32_t step) const {
    return step < sinks ? first + step * kKeys : first_seen + (step - sinks) * kKeys;
  }
};

/// The tiles of kKeys keys, from key `first`, that rows with these limits see.
template <int kKeys>
FATTN_DEVICE KeyTiles<kKeys> tiles_seen(int32_t first, RowBlockLimits const& rows) {
  auto const tiles_to = [first](int32_t end) { return (end - first + kKeys - 1) / kKeys; };
  int32_t const sinks = rows.max_sink > first ? tiles_to(rows.max_sink) : 0;
  if (rows.max_hi <= first || rows.min_lo >= rows.max_hi) return {sinks, sinks, first, first};
  int32_t seen = (rows.min_lo - first) / kKeys;
  if (seen < sinks) seen = sinks;
  int32_t const end = tiles_to(rows.max_hi);
  return {end > seen ? sinks + end - seen : sinks, sinks, first, first + seen * kKeys};
}

/// Tiles of gathered keys: all of places first .. end - 1.
struct PlaceTiles {
  int32_t first, end;
};

}  // namespace fattn::mma16
