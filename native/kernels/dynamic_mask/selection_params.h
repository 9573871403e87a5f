// What the kernels that select keys are told, and what they know of sequences and rows.
#pragma once

#include "kernels/dynamic_mask/params.h"
#include "kernels/dynamic_mask/ranking.h"

namespace fattn {

/// Which keys a row keeps (attention-variants 5.2); numbers as in core/ops/dynamic_mask.h.
enum class KeySelectionRule : int32_t { kPerQuery = 0, kShared = 1, kRelu = 2 };

/// Which queries keep each key, i32 [b, hB, 2, sKv]: the first, and the one behind the last.
struct KeyIntervalPlaces {
  int32_t* data;
  int64_t batch, head, end, key;  // element strides

  FATTN_DEVICE int32_t* of(int32_t b, int32_t h, int32_t j) const {
    return data + (b * batch + h * head + j * key);
  }
};

/// Lists are [batch][heads]; all sequences of a packed call are one batch.
struct SelectionParams {
  KeyScoreValues scores;
  KeyIntervalPlaces intervals;   // written
  KeyRanking ranking;            // of all keys of a list; null order: nothing is pushed out
  int32_t const* kv_lengths;     // [batch], checked; null: all keys are in use
  int32_t const* starts_q;       // [sequences + 1], checked; null: not packed
  int32_t const* starts_k;       // [sequences + 1]
  int32_t sequences;             // packed
  int32_t heads, seq_q, seq_kv;  // score heads; queries and keys of all sequences of a list
  int32_t keep;                  // at most 2^30
  KeySelectionRule rule;
  bool causal;
  int32_t list_blocks;  // of the grid, for each list
  bool smoothed;        // in blocks of
  int32_t block_keys;   // at most seq_kv
};

/// Keys first .. first + keys - 1 of a list, seen by `queries` rows. Keys behind belong to none.
struct KeySequence {
  int32_t first, keys, queries;

  /// The first row that sees a key of the sequence.
  FATTN_DEVICE int32_t row_of(SelectionParams const& p, int32_t key) const {
    int32_t const row = key - (keys - queries);
    return p.causal && row > 0 ? row : 0;
  }
};

/// For how many sequences of a packed call holds(b), which does for the first of them and then no
/// more.
template <class Holds>
FATTN_DEVICE int32_t sequences_while(SelectionParams const& p, Holds const& holds) {
  int32_t low = 0, high = p.sequences;
  while (low < high) {
    int32_t const middle = (low + high) / 2;
    if (holds(middle))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// The sequence of a packed call.
FATTN_DEVICE KeySequence packed_sequence(SelectionParams const& p, int32_t b) {
  int32_t const first = p.starts_k[b];
  return {first, p.starts_k[b + 1] - first, p.starts_q[b + 1] - p.starts_q[b]};
}

/// That of all keys of a list, where it is not packed.
FATTN_DEVICE KeySequence only_sequence(SelectionParams const& p, int32_t b) {
  return {0, p.kv_lengths ? p.kv_lengths[b] : p.seq_kv, p.seq_q};
}

/// The sequence that a key of a list belongs to, or none: without keys.
FATTN_DEVICE KeySequence sequence_of(SelectionParams const& p, int32_t b, int32_t key) {
  if (!p.starts_k) return only_sequence(p, b);
  int32_t const begun = sequences_while(p, [&](int32_t n) { return p.starts_k[n] <= key; });
  return begun > 0 ? packed_sequence(p, begun - 1) : KeySequence{0, 0, 0};
}

/// Notes that rows first .. end - 1 keep a key of a list; 0 and 0 where there are none.
FATTN_DEVICE void store_rows(SelectionParams const& p, int32_t list, int32_t key, int32_t first,
                             int32_t end) {
  int32_t* const rows = p.intervals.of(list / p.heads, list % p.heads, key);
  bool const kept = first < end;
  rows[0] = kept ? first : 0;
  rows[p.intervals.end] = kept ? end : 0;
}

}  // namespace fattn
