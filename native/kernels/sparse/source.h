// The key source of sparse attention: the keys of a tile by their place in its list. What is known
// of a key is looked up once for a tile of rows, whatever names it.
#pragma once

#include "kernels/attention/schedule.h"
#include "kernels/sparse/params.h"

namespace fattn {

/// A key, and the run of queries that it counts for.
struct alignas(16) GatheredKey {
  int32_t token;     // from the start of the sequence
  int32_t first;     // query, at least 0
  uint32_t queries;  // 0: there is no such key
  float bias;        // added to the score, in base 2

  FATTN_DEVICE bool seen_by(int32_t query) const {
    return static_cast<uint32_t>(query - first) < queries;
  }
  /// Whether any query of first_query .. last_query sees it.
  FATTN_DEVICE bool seen_by(int32_t first_query, int32_t last_query) const {
    return queries > 0 && first <= last_query &&
           first + static_cast<int32_t>(queries) > first_query;
  }
};

/// The keys of one list, of one sequence and score head.
struct KeySource {
  int32_t places;         // how many there are to ask about
  int32_t seq_q, seq_kv;  // of the sequence
  int32_t ahead;          // causal: query i sees keys up to i + ahead; else seq_kv
  KeyNaming naming;
  int32_t const* tokens;       // by place; kIntervals, null: every key in turn
  int32_t const *first, *end;  // kIntervals, by key
  float const* scores;
  int64_t score_stride;
  int32_t const *full, *partial;  // kBlocks: the lists
  int64_t full_stride, partial_stride;
  int32_t full_blocks, block_keys, key_blocks;

  /// What is at a place, wherever the lists point: numbers that users wrote are not trusted.
  FATTN_DEVICE GatheredKey at(int32_t place) const { return key_at(place, token_at(place)); }

  /// The token at a place, -1 where there is none.
  FATTN_DEVICE int32_t token_at(int32_t place) const {
    if (place >= places) return -1;
    int32_t key = place;
    if (naming == KeyNaming::kBlocks) {
      int32_t const entry = place / block_keys;
      int32_t const block = entry < full_blocks ? full[entry * full_stride]
                                                : partial[(entry - full_blocks) * partial_stride];
      if (block < 0 || block >= key_blocks) return -1;
      key = block * block_keys + place % block_keys;
    } else if (tokens) {
      key = tokens[place];
    }
    return key >= 0 && key < seq_kv ? key : -1;
  }

  /// What is known of that token.
  FATTN_DEVICE GatheredKey key_at(int32_t place, int32_t token) const {
    if (token < 0) return {0, 0, 0, 0};
    bool const causal = naming == KeyNaming::kIntervals ||
                        (naming == KeyNaming::kBlocks && place / block_keys >= full_blocks);
    int32_t from = causal ? token - ahead : 0, to = seq_q;
    if (naming == KeyNaming::kIntervals) {
      if (first[token] > from) from = first[token];
      if (end[token] < to) to = end[token];
    }
    if (from < 0) from = 0;
    float const score =
        scores ? scores[(naming == KeyNaming::kKept ? place : token) * score_stride] : 0;
    return {token, from, to > from ? static_cast<uint32_t>(to - from) : 0,
            simt::is_nan(score) ? -simt::kInfinity : score * kLog2E};  // NaN counts as -inf
  }
};

/// The number of the list of row `first_row` of a sequence. Packed, a sequence begins with a list
/// of its own: room for one that is not full after each.
FATTN_DEVICE int64_t list_of(SparseAttentionParams const& p, SequenceRange const& s, int32_t head,
                             int32_t first_row) {
  int32_t const tile = first_row / p.list_rows;
  if (!p.dense.indices.starts_q) return (int64_t{s.index} * p.heads + head) * p.list_tiles + tile;
  int64_t const before = int64_t{s.first_q} * p.dense.pack / p.list_rows + s.index;
  return int64_t{head} * p.list_tiles + before + tile;
}

/// All keys of a sequence, in turn, as `head` scores them and the intervals say.
FATTN_DEVICE KeySource every_key(SparseAttentionParams const& p, SequenceRange const& s,
                                 int32_t head) {
  KeySource source{};
  source.naming = p.naming;
  source.places = source.seq_kv = s.seq_kv;
  source.seq_q = s.seq_q;
  source.ahead = p.dense.causal ? s.seq_kv - s.seq_q : s.seq_kv;
  bool const packed = p.dense.indices.starts_q != nullptr;
  int64_t const batch = packed ? 0 : s.index;
  if (p.naming == KeyNaming::kIntervals) {
    source.first =
        p.intervals.data + batch * p.intervals.batch + head * p.intervals.head + s.first_k;
    source.end = source.first + p.intervals.end;
  }
  if (p.scores.data) {
    source.scores =
        p.scores.data + batch * p.scores.batch + head * p.scores.head + s.first_k * p.scores.key;
    source.score_stride = p.scores.key;
  }
  return source;
}

/// Where the list of one block of queries begins, and how long it is: not trusted either.
struct BlockRun {
  int32_t const* first;
  int32_t count;
};
FATTN_DEVICE BlockRun block_run(BlockListRows const& lists, int32_t b, int32_t head, int32_t n) {
  if (!lists.offsets) return {nullptr, 0};
  int32_t const* const offsets =
      lists.offsets + b * lists.batch + head * lists.head + n * lists.block;
  int32_t begin = offsets[0], end = offsets[lists.block];
  if (begin < 0) begin = 0;
  if (end > lists.index_count) end = lists.index_count;
  if (end <= begin) return {nullptr, 0};
  return {lists.indices + begin * lists.index, end - begin};
}

FATTN_DEVICE void name_blocks(KeySource& source, SparseAttentionParams const& p, int32_t b,
                              int32_t head, int32_t n) {
  BlockRun const full = block_run(p.full, b, head, n), partial = block_run(p.partial, b, head, n);
  source.full = full.first;
  source.full_stride = p.full.index;
  source.partial = partial.first;
  source.partial_stride = p.partial.index;
  source.full_blocks = full.count;
  source.block_keys = p.block_k;
  source.key_blocks = (p.dense.seq_kv + p.block_k - 1) / p.block_k;
  // Each block is listed once, so that more have something wrong with them.
  int64_t const blocks = int64_t{full.count} + partial.count;
  source.places =
      (blocks < source.key_blocks ? static_cast<int32_t>(blocks) : source.key_blocks) * p.block_k;
}

/// The keys that the rows of a tile go through. Its output heads share a score head.
FATTN_DEVICE KeySource key_source(SparseAttentionParams const& p, WorkTile const& tile) {
  SequenceRange const& s = tile.sequence;
  int32_t const head = shared_head(HeadRule::kGrouped, tile.first_head, p.heads, p.dense.heads_out);
  KeySource source = every_key(p, s, head);
  if (p.naming == KeyNaming::kBlocks)
    name_blocks(source, p, s.index, head, tile.first_row / p.dense.pack / p.block_q);
  if (p.naming == KeyNaming::kKept) {
    int32_t const* const kept =
        p.kept.data + (int64_t{s.index} * p.heads + head) * (int64_t{p.kept.most} + 1);
    source.tokens = kept + 1;
    source.places = kept[0] < 0 ? 0 : kept[0] < p.kept.most ? kept[0] : p.kept.most;
  }
  if (p.naming == KeyNaming::kIntervals && source.places > 0) {
    int64_t const list = list_of(p, s, head, tile.first_row);
    int32_t const count = p.counts[list];
    int32_t const seen = (tile.first_row + tile.rows - 1) / p.dense.pack + source.ahead + 1;
    if (count <= p.capacity) {
      source.tokens = p.keys + list * p.capacity;
      source.places = count;
    } else if (seen < source.places) {
      source.places = seen > 0 ? seen : 0;
    }
  }
  if (p.failed && *p.failed != 0) source.places = 0;
  return source;
}

}  // namespace fattn
