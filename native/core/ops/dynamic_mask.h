#pragma once

#include <cstdint>

#include "core/ops/attention.h"
#include "core/tensor_view.h"

namespace fattn {

// Dynamic-mask attention (attention-variants 5) in three steps, each an operation of its own:
// scores of keys, the rows that keep each key, attention over what is kept.

/// What becomes of e = a * softplus(dt).
enum class KeyScoreForm : uint8_t { kExp = 0, kLinear = 1 };

struct KeyScoresArgs {
  TensorView v;       // [b, s, hV, dV] or packed [t, hV, dV]
  TensorView wdt;     // [hV * dV, hB], float32 or the dtype of v
  TensorView a;       // [hB], float32 or the dtype of v
  TensorView scores;  // f32 [b, hB, s] or packed [hB, t]
};

void check_key_scores(KeyScoreForm form, KeyScoresArgs const& args);

/// Which keys a row keeps.
enum class KeySelection : uint8_t {
  kPerQuery = 0,  // the best `keep` of those it sees
  kShared = 1,    // of the best `keep` of all, those it sees
  kRelu = 2,      // of those with a score above 0, those it sees
};

struct KeyIntervalsDesc {
  KeySelection selection = KeySelection::kPerQuery;
  int64_t keep = 1;
  int64_t block_size = 0;  // whole blocks, where more than half of one is kept; 0 = off
  bool causal = false;     // a row sees j <= i + (sKv - sQ), per sequence
  int64_t seq_q = 0;       // rows of each sequence; packed: as cu_seq_lens_q says
};

struct KeyIntervalsArgs {
  TensorView scores;         // f32 [b, hB, sKv] or packed [hB, tK]
  TensorView kv_lengths;     // i32 [b]; not with packed
  TensorView cu_seq_lens_q;  // i32 [b + 1], packed only
  TensorView cu_seq_lens_k;  // i32 [b + 1], packed only
  /// i32 [b, hB, 2, sKv] or packed [hB, 2, tK]: the first row that keeps a key, and the one behind
  /// the last; both 0 where none does. Rows count from the start of their sequence.
  TensorView intervals;
};

void check_key_intervals(KeyIntervalsDesc const& desc, KeyIntervalsArgs const& args);

/// What decoding keeps between tokens: of all so far the best `keep`, in the order of their
/// indices. One more token costs at most as much as it keeps, however many there were.
struct KeptKeys {
  TensorView tokens;  // i32 [b, hB, 1 + keep], contiguous: how many there were, and those kept
  TensorView scores;  // f32 [b, hB, keep], contiguous: theirs
};

struct AppendScoresArgs {
  KeptKeys kept;      // read and written
  TensorView scores;  // f32 [b, hB, n], of the next n tokens
};

void check_append_scores(AppendScoresArgs const& args);

/// Attention over the keys of `intervals`, with `scores` added to the scaled products; or, of a
/// single query, over the keys of `kept`.
struct SparseAttentionArgs {
  AttentionArgs dense;   // of its optional tensors lse, kv_lengths, cu_seq_lens_q and _k
  TensorView scores;     // f32 [b, hB, sKv] or packed [hB, tK], hB a divisor of hO
  TensorView intervals;  // as above, stride 1 along the keys; any numbers are allowed
  KeptKeys kept;         // in place of both; not with lengths. Contents are checked when it runs
  /// How many keys a row keeps at most by `intervals`, where the caller knows; 0: unknown. A wrong
  /// number costs time and changes no result.
  int64_t keep = 0;
};

void check_sparse_attention(AttentionDesc const& desc, SparseAttentionArgs& args);

}  // namespace fattn
