// Keys that lie anywhere: the key source of sparse attention in the loop over tiles of keys. What
// is known of the keys of a tile, and of the next one, lies in shared memory: a thread looks up one
// key of the next tile while this one is multiplied, and the copies of its rows, which go 16 bytes
// at a time in any case, only read where they lie.
//
// Here `first` of a tile counts places of a list, and limits are those of queries: a row's own is
// {query, query + 1}.
#pragma once

#include "kernels/attention/mma16/rows.h"
#include "kernels/mma16/lane.h"
#include "kernels/sparse/tile.h"

namespace fattn::mma16 {

/// What the scores of a key take to be reshaped, in few registers: the run of queries that see it,
/// counted from the first of the block, and its bias in base 2.
struct alignas(8) ScoredKey {
  uint32_t run;  // its first query, and from bit 16 on how many
  float bias;

  FATTN_DEVICE static ScoredKey of(GatheredKey const& key, RowBlockLimits const& queries) {
    int32_t const from = key.first > queries.min_lo ? key.first : queries.min_lo;
    int32_t const end = key.first + static_cast<int32_t>(key.queries);
    int32_t const to = end < queries.max_hi ? end : queries.max_hi;
    if (to <= from) return {0, 0};
    return {static_cast<uint32_t>(from - queries.min_lo) | static_cast<uint32_t>(to - from) << 16,
            key.bias};
  }
  FATTN_DEVICE bool seen_by(int32_t query) const {
    return static_cast<uint32_t>(query) - (run & 0xffff) < run >> 16;
  }
  /// Whether any query of first .. last sees it.
  FATTN_DEVICE bool seen_by(int32_t first, int32_t last) const {
    int32_t const from = static_cast<int32_t>(run & 0xffff);
    int32_t const count = static_cast<int32_t>(run >> 16);
    return count > 0 && from <= last && from + count > first;
  }
};

/// The keys of this tile and the next: their tokens, -1 where no query of the block sees one, and
/// what their scores take.
template <class Traits>
struct KeyRing {
  simt::Shared<int32_t> tokens;
  simt::Shared<ScoredKey> scored;

  FATTN_DEVICE explicit KeyRing(simt::SharedMemory memory)
      : tokens(memory.at<int32_t>(Traits::kGatheredTokens)),
        scored(memory.at<ScoredKey>(Traits::kScoredKeys)) {}
  FATTN_DEVICE static int at(int32_t place) {
    return static_cast<int>(static_cast<uint32_t>(place) % (2 * Traits::kBlockN));
  }
};

/// Puts the tile's list down for the block to look keys up in. One thread.
template <class Traits>
FATTN_DEVICE void keep_source(KeySource const& source, simt::SharedMemory memory) {
  SharedRecord<KeySource>(memory, Traits::kKeySource).store(source);
}

/// Asks for the tokens of the first tile, that begins at place `first`, each thread for one that it
/// looks up itself.
template <class Traits>
FATTN_DEVICE void ask_ahead(simt::SharedMemory memory, int32_t first) {
  int const thread = simt::thread_index();
  if (thread >= Traits::kBlockN) return;
  KeySource const source = SharedRecord<KeySource>(memory, Traits::kKeySource).load();
  memory.at<int32_t>(Traits::kTokensAhead).store(thread, source.token_at(first + thread));
}

/// Looks up the keys of the tile that begins at place `first`, for all to know after a barrier. The
/// tile before it is still in use, and the one before that is not.
template <class Traits>
FATTN_DEVICE void look_up(simt::SharedMemory memory, int32_t first) {
  Place const place;
  int const thread = place.warp * simt::kWarpSize + place.lane;
  if (thread >= Traits::kBlockN) return;
  RowBlockLimits const queries = kept_facts<Traits>(memory, place.warp).load().limits;
  KeySource const source = SharedRecord<KeySource>(memory, Traits::kKeySource).load();
  // The token was asked for a tile ago, so that this waits for one access to memory, not two.
  simt::Shared<int32_t> const ahead = memory.at<int32_t>(Traits::kTokensAhead) + thread;
  GatheredKey const key = source.key_at(first + thread, ahead.load());
  ahead.store(0, source.token_at(first + thread + Traits::kBlockN));
  ScoredKey const scored = ScoredKey::of(key, queries);
  KeyRing<Traits> const ring(memory);
  ring.tokens.store(ring.at(first + thread), scored.run != 0 ? key.token : -1);
  ring.scored.store(ring.at(first + thread), scored);
}

/// Whether some row of the warp sees a key of the tile that begins at place `first`.
template <class Traits>
FATTN_DEVICE bool gathered_for_warp(simt::SharedMemory memory, int32_t first) {
  Place const place;
  KeyRing<Traits> const ring(memory);
  int32_t const start = kept_facts<Traits>(memory, place.warp).load().limits.min_lo;
  RowBlockLimits const rows = limits_of_warp<Traits>(memory, place.warp).load();
  bool seen = false;
  FATTN_UNROLL_DEVICE for (int i = 0; i < Traits::kBlockN; i += simt::kWarpSize) seen |=
      ring.scored.load(ring.at(first + i + place.lane))
          .seen_by(rows.min_lo - start, rows.max_hi - 1 - start);
  return simt::any_lane(seen);
}

/// From products to scores in base 2, -inf where the row does not see the key.
template <class Traits>
FATTN_DEVICE void gather_scores(AttentionParams const& p, Scores<Traits>& scores,
                                simt::SharedMemory memory, int32_t first) {
  Place const place;
  float const scale = p.scale * kLog2E;
  int32_t const start = kept_facts<Traits>(memory, place.warp).load().limits.min_lo;
  int32_t queries[Traits::kStrips][2];
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) queries[s][half] =
          kept_row<Traits>(memory, place.row<Traits>(s, half)).load().query - start;
  FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kBlockN / 8; ++n) {
    // Asked for anew, so that the keys of few columns wait in registers at a time.
    simt::Shared<ScoredKey> const keys =
        KeyRing<Traits>(memory).scored + KeyRing<Traits>::at(first) + Place().first_column();
    FATTN_UNROLL_DEVICE for (int e = 0; e < 2; ++e) {
      ScoredKey const key = keys.load(column_after(n, e));
      FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
          FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
        float& score = scores.at[s][n][2 * half + e];
        score = key.seen_by(queries[s][half]) ? simt::fused_multiply_add(score, scale, key.bias)
                                              : -simt::kInfinity;
      }
    }
  }
}

}  // namespace fattn::mma16
