// The query rows of a tile: which they are, where they lie and what they may see.
#pragma once

#include "kernels/attention/epilogue.h"
#include "kernels/attention/mma16/traits.h"

namespace fattn::mma16 {

template <class Traits>
FATTN_DEVICE SharedRecord<WorkTile> kept_tile(simt::SharedMemory memory) {
  return {memory, Traits::kTile};
}
template <class Traits>
FATTN_DEVICE SharedRecord<RowFacts> kept_row(simt::SharedMemory memory, int row) {
  return {memory, Traits::kRowFacts, row};
}
template <class Traits>
FATTN_DEVICE SharedRecord<RowBlockLimits> limits_of_warp(simt::SharedMemory memory, int warp) {
  return {memory, Traits::kWarpLimits, warp};
}
template <class Traits>
FATTN_DEVICE SharedRecord<typename Traits::Facts> kept_facts(simt::SharedMemory memory, int warp) {
  return {memory, Traits::kBlockFacts, warp};
}
template <class Traits>
FATTN_DEVICE SharedRecord<typename Traits::Keys> kept_keys(simt::SharedMemory memory) {
  return {memory, Traits::kSources, 0};
}
template <class Traits>
FATTN_DEVICE SharedRecord<typename Traits::Keys> kept_values(simt::SharedMemory memory) {
  return {memory, Traits::kSources, 1};
}

/// Output head of a row with this query.
FATTN_DEVICE int32_t head_of(AttentionParams const& p, WorkTile const& tile, int32_t row,
                             int32_t query) {
  return tile.first_head + tile.first_row + row - query * p.pack;
}

FATTN_DEVICE KeyLimits within(KeyLimits limits, int32_t begin, int32_t end) {
  if (limits.hi > end) limits.hi = end;
  if (limits.lo < begin) limits.lo = begin;
  if (limits.hi <= limits.lo) limits.lo = limits.hi = 0;
  if (limits.sink > end) limits.sink = end;
  return limits;
}

FATTN_DEVICE RowFacts facts_of(AttentionParams const& p, WorkTile const& tile, TileRow at) {
  SequenceRange const& s = tile.sequence;
  int32_t const q_head = shared_head(p.q_rule, at.head, p.q.heads, p.heads_out);
  return {within(limits_of_row(p, s, at.query, at.head), tile.begin_key, tile.end_key), at.query,
          offset_of(p.q, s.index, s.first_q, at.query, q_head),
          offset_of(p.out, s.index, s.first_q, at.query, at.head)};
}

FATTN_DEVICE int32_t reduce_min(int32_t value) { return -simt::reduce_max(-value); }

/// Limits of the rows of all lanes together.
FATTN_DEVICE RowBlockLimits of_lanes(RowBlockLimits const& own) {
  return {reduce_min(own.min_lo),   simt::reduce_max(own.max_lo),
          reduce_min(own.min_hi),   simt::reduce_max(own.max_hi),
          reduce_min(own.min_sink), simt::reduce_max(own.max_sink)};
}

template <class Traits>
FATTN_DEVICE void keep_tile(AttentionParams const& p, WorkTile const& tile,
                            simt::SharedMemory memory) {
  using Element = typename Traits::Element;
  HeadTriple const heads = heads_of(p, tile.first_head);  // of all heads of the tile
  SequenceRange const& s = tile.sequence;
  kept_tile<Traits>(memory).store(tile);
  kept_keys<Traits>(memory).store(contiguous_keys<Element>(p.k, s, heads.k, tile.end_key));
  kept_values<Traits>(memory).store(contiguous_keys<Element>(p.v, s, heads.v, tile.end_key));
}

/// The tiles of keys that the block walks through; `rows` are the limits of all its rows.
template <class Traits>
FATTN_DEVICE typename Traits::Tiles tiles_of(WorkTile const& tile, RowBlockLimits const& rows) {
  if constexpr (Traits::kGathered)
    return {tile.begin_key, tile.end_key};
  else
    return tiles_seen<Traits::kBlockN>(tile.begin_key, rows);
}

/// Finds out about the rows, each lane about one of its warp's, and puts it down for the block. The
/// block's threads meet once.
template <class Traits>
FATTN_DEVICE void keep_rows(AttentionParams const& p, WorkTile const& tile,
                            simt::SharedMemory memory) {
  int const lane = simt::lane_index(), warp = simt::warp_index();
  RowBlockLimits own = RowBlockLimits::none();
  if (lane < Traits::kWarpRows) {
    int const row = warp * Traits::kWarpRows + lane;
    RowFacts facts{{0, 0, 0}, -1, 0, 0};
    if (row < tile.rows) {
      TileRow const at = tile_row(p, tile, row);
      facts = facts_of(p, tile, at);
      if constexpr (Traits::kGathered) facts.limits = {at.query, at.query + 1, 0};
      own.add(facts.limits);
      if constexpr (Traits::kGeneral)
        SharedRecord<ScoreRow>(memory, Traits::kScoreRows, row)
            .store(score_row(p, tile.sequence, at.query, at.head));
    }
    kept_row<Traits>(memory, row).store(facts);
  }
  own = of_lanes(own);
  if (lane == 0) limits_of_warp<Traits>(memory, warp).store(own);
  if (simt::thread_index() == 0) keep_tile<Traits>(p, tile, memory);
  simt::sync_block();  // what each warp put down is there for all

  RowBlockLimits all = RowBlockLimits::none();
  if (lane < Traits::kWarps) all = limits_of_warp<Traits>(memory, lane).load();
  all = of_lanes(all);
  if (lane == 0) kept_facts<Traits>(memory, warp).store({all, tiles_of<Traits>(tile, all)});
  simt::sync_warp();  // these are read by the lanes of this warp only
}

/// The queries of a tile, as a source of rows.
template <class Traits>
struct TileQueries {
  using Element = typename Traits::Element;
  Element const* start;
  simt::SharedMemory memory;

  FATTN_DEVICE bool has(int32_t row) const {
    return kept_row<Traits>(memory, row).load().query >= 0;
  }
  FATTN_DEVICE Element const* row(int32_t row) const {
    return start + kept_row<Traits>(memory, row).load().q;
  }
};

}  // namespace fattn::mma16
