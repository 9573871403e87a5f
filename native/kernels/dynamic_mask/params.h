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

}  // namespace fattn
