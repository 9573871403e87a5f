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

/// Which keys a row keeps (attention-variants 5.2); numbers as in core/ops/dynamic_mask.h.
enum class KeySelectionRule : int32_t { kPerQuery = 0, kShared = 1, kRelu = 2 };

struct SelectionParams {
  KeyScoreValues scores;
  KeyIntervalRows intervals;     // written
  int32_t const* kv_lengths;     // [batch], checked; null: all keys are in use
  int32_t heads, seq_q, seq_kv;  // score heads
  int32_t keep;
  KeySelectionRule rule;
  int32_t causal;
  int32_t key_blocks;  // blocks of the grid for the keys of one (sequence, head)
};

}  // namespace fattn
