// Which queries keep each key. The top-w of a prefix never takes back what better keys have pushed
// out, so the end of a key's run is decided by the w-th key, in order of indices, that is better
// than it (attention-variants 5.2). In the order from best to worst those are the keys in front of
// it, and the ranking finds the w-th of their indices in log s steps.
#pragma once

#include "kernels/dynamic_mask/ranking.h"
#include "kernels/dynamic_mask/selection_params.h"

namespace fattn {

/// The grid has one axis of list_blocks blocks per list. Every thread has one place of the ranking.
struct SelectKeys {
  using Params = SelectionParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const block = static_cast<int32_t>(simt::block_index().x);
    int32_t const list = block / p.list_blocks;
    int32_t const place = block % p.list_blocks * kThreads + simt::thread_index();
    if (place >= p.seq_kv) return;
    int32_t const key = p.ranking.order ? p.ranking.order_of(list)[place].key : place;
    KeySequence const sequence = sequence_of(p, list / p.heads, key);
    int32_t const own = key - sequence.first;
    // What all rows share is smoothed before it is known which of them sees which key.
    bool const from_start = p.rule == KeySelectionRule::kShared && p.smoothed;
    int32_t const first = from_start ? 0 : sequence.row_of(p, own);
    int32_t const end = own < sequence.keys ? end_of(p, sequence, list, place, key) : 0;
    store_rows(p, list, key, first, end);
  }

 private:
  FATTN_DEVICE static int32_t end_of(Params const& p, KeySequence const& sequence, int32_t list,
                                     int32_t place, int32_t key) {
    if (p.rule == KeySelectionRule::kRelu) {
      float const score = p.scores.data[list / p.heads * p.scores.batch +
                                        list % p.heads * p.scores.head + key * p.scores.key];
      return score > 0 ? sequence.queries : 0;
    }
    int32_t const out = pushed_out(p, sequence, list, place);
    if (out == sequence.keys) return sequence.queries;
    return p.causal && p.rule == KeySelectionRule::kPerQuery ? sequence.row_of(p, out) : 0;
  }

  /// The keep-th key of the sequence that is better than that of a place, in order of indices; the
  /// number of its keys where there are fewer. Better ones of other sequences have been ranked
  /// along: those in front of the sequence are counted, those behind it come too late.
  FATTN_DEVICE static int32_t pushed_out(Params const& p, KeySequence const& sequence, int32_t list,
                                         int32_t place) {
    if (!p.ranking.order || place < p.keep) return sequence.keys;
    int32_t const before =
        sequence.first > 0 ? best_below(p.ranking, list, place, sequence.first) : 0;
    if (place - before < p.keep) return sequence.keys;
    int32_t const out = nth_of_best(p.ranking, list, place, before + p.keep) - sequence.first;
    return out < sequence.keys ? out : sequence.keys;
  }
};

}  // namespace fattn
