// Which queries keep each key. The top-w of a prefix never takes back what better keys have pushed
// out, so the end of a key's run is decided by the w-th key, in order of indices, that is better
// than it (attention-variants 5.2). Every thread counts those of one key: s^2 comparisons, which
// many threads do faster than one could walk a heap.
#pragma once

#include "kernels/dynamic_mask/params.h"
#include "simt/simt.h"

namespace fattn {

/// The grid has one axis of key_blocks * heads * batch blocks.
struct SelectKeys {
  using Params = SelectionParams;
  static constexpr int kThreads = 256;  // keys of a block, and keys that are compared at a time
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 4 * kThreads;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int32_t const block = static_cast<int32_t>(simt::block_index().x);
    int32_t const list = block / p.key_blocks;
    int32_t const b = list / p.heads, head = list % p.heads;
    int32_t const key = block % p.key_blocks * kThreads + simt::thread_index();
    int32_t const keys = p.kv_lengths ? p.kv_lengths[b] : p.seq_kv;
    float const* const scores = p.scores.data + b * p.scores.batch + head * p.scores.head;
    float const own = key < keys ? score_at(p, scores, key) : 0;
    int32_t const out = p.rule == KeySelectionRule::kRelu
                            ? (own > 0 ? keys : -1)
                            : pushed_out(p, scores, keys, key, own, memory.at<float>(0));
    if (key >= p.seq_kv) return;
    bool const per_row = p.causal && p.rule == KeySelectionRule::kPerQuery;
    int32_t const first = row_of(p, keys, key);
    int32_t end = out == keys ? p.seq_q : per_row && out > key ? row_of(p, keys, out) : 0;
    if (key >= keys) end = 0;
    int32_t* const rows = p.intervals.data + b * p.intervals.batch + head * p.intervals.head + key;
    rows[0] = first < end ? first : 0;
    rows[p.intervals.end] = first < end ? end : 0;
  }

 private:
  /// The first query that sees the key.
  FATTN_DEVICE static int32_t row_of(Params const& p, int32_t keys, int32_t key) {
    int32_t const row = key - (keys - p.seq_q);
    return p.causal && row > 0 ? row : 0;
  }

  /// NaN counts as -inf.
  FATTN_DEVICE static float score_at(Params const& p, float const* scores, int32_t key) {
    float const score = scores[key * p.scores.key];
    return simt::is_nan(score) ? -simt::kInfinity : score;
  }

  /// The keep-th key, in order of indices, that is better than `key`; `keys` where there are fewer.
  /// Of equal scores the lower index is better. All threads of the block.
  FATTN_DEVICE static int32_t pushed_out(Params const& p, float const* scores, int32_t keys,
                                         int32_t key, float own, simt::Shared<float> tile) {
    int32_t better = 0, out = keys;
    for (int32_t first = 0; first < keys; first += kThreads) {
      int32_t const mine = first + simt::thread_index();
      simt::sync_block();  // the last tile has been read by all
      tile.store(simt::thread_index(), mine < keys ? score_at(p, scores, mine) : 0);
      simt::sync_block();  // and this one is written
      int32_t const count = keys - first < kThreads ? keys - first : kThreads;
      for (int32_t i = 0; i < count; ++i) {
        float const score = tile.load(i);
        bool const is_better = score > own || (score == own && first + i < key);
        if (!is_better) continue;
        ++better;
        if (better == p.keep) out = first + i;
      }
    }
    return out;
  }
};

}  // namespace fattn
