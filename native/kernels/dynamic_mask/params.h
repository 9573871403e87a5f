// The plain structs handed to the kernels of dynamic masks.
#pragma once

#include <cstdint>

namespace fattn {

/// Scores of keys, f32 [b, hB, sKv].
struct KeyScoreValues {
  float const* data;
  int64_t batch, head, key;  // element strides
};

/// Which queries keep each key, i32 [b, hB, 2, sKv]: the first, and the one behind the last.
struct KeyIntervalRows {
  int32_t* data;
  int64_t batch, head, end;  // element strides; keys lie side by side
};

/// The keys that some query of a tile keeps, in ascending order: `capacity` places for each tile of
/// each (sequence, head), and how many are taken.
struct KeyListParams {
  KeyIntervalRows intervals;
  int32_t* keys;    // [b, hB, tiles, capacity]
  int32_t* counts;  // [b, hB, tiles]
  int32_t lists;    // b * hB * tiles
  int32_t heads, tiles, tile_queries;
  int32_t seq_kv;
  int32_t capacity;  // keys of all: whatever the intervals hold, they fit
};

}  // namespace fattn
