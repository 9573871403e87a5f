// The loop over tiles of keys: copy, q k^T, visibility, softmax, p v.
//
// One tile of keys and one of values lie in shared memory. A tile's values are on their way while
// its keys are multiplied, the next tile's keys while its values are; two blocks per multiprocessor
// fill each other's gaps.
//
// For bf16 at head dim 128 nvcc 13.0 (-gencode arch=compute_90a,code=sm_90a -fmad=false -O3) makes
// of a tile that a warp sees whole and that moves no maximum, of 64 scores per thread: 256 HMMA, 80
// LDSM, 64 FFMA, 68 MUFU, 76 FMNMX, 72 FADD, 32 F2FP, 16 LDGSTS and about 250 others, most of them
// addresses of copies. The LDSM of a step of 16 columns stand among the HMMA of the step before.
#pragma once

#include "kernels/attention/mma16/nonfinite.h"
#include "kernels/attention/mma16/products.h"
#include "kernels/attention/mma16/reshape.h"

namespace fattn::mma16 {

/// Scores of keys first .. first + kBlockN - 1, of which some row of the warp sees some.
template <class Traits>
FATTN_DEVICE void score(AttentionParams const& p, simt::SharedMemory memory,
                        FragmentChunks<Traits> const& chunks, int32_t first,
                        Scores<Traits>& scores) {
  multiply_keys<Traits>(scores, chunks);
  if constexpr (Traits::kGeneral)
    reshape_scores<Traits>(p, scores, memory, first);
  else if (simt::any_lane(!limits_of_warp<Traits>(memory, Place().warp)
                               .load()
                               .shows(first, first + Traits::kBlockN)))
    hide_scores<Traits>(scores, memory, first);
}

/// out += p v. The weights are drawn up 16 keys at a time, so that the exponentials of some run
/// beside the products of others. `scale`: of scores, to base 2.
template <class Traits>
FATTN_DEVICE void accumulate(Accumulators<Traits>& acc, Scores<Traits> const& scores, float scale,
                             FragmentChunks<Traits> const& chunks) {
  raise_maxima<Traits>(acc, scores, scale);
  References<Traits> const references(acc);
  FATTN_UNROLL_DEVICE for (int step = 0; step < Traits::kBlockN / 16; ++step) {
    simt::Fragment weights[Traits::kStrips];
    FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s) weights[s] =
        weigh<Traits>(acc, scores, references, scale, s, step);
    multiply_values<Traits>(acc, weights, chunks, step);
  }
}

template <class Traits>
FATTN_DEVICE void clear(Accumulators<Traits>& acc) {
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s) {
    FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) acc.row[s][half] = SoftmaxState{};
    FATTN_UNROLL_DEVICE for (int n = 0; n < Traits::kHeadDim / 8; ++n)
        FATTN_UNROLL_DEVICE for (int i = 0; i < 4; ++i) acc.out[s][n][i] = 0;
  }
}

/// Starts copying the keys or values of the tile that begins at key `first`.
template <class Traits>
FATTN_DEVICE void start_keys(AttentionParams const& p, simt::SharedMemory memory, int32_t first) {
  start_copy<Traits::kThreads, Traits::kBlockN, Traits::kHeadDim>(
      memory, Traits::kKey, kept_keys<Traits>(memory).load(), first, p.head_dim);
}
template <class Traits>
FATTN_DEVICE void start_values(AttentionParams const& p, simt::SharedMemory memory, int32_t first) {
  start_copy<Traits::kThreads, Traits::kBlockN, Traits::kHeadDim>(
      memory, Traits::kValue, kept_values<Traits>(memory).load(), first, p.head_dim_v);
}

/// Whether some row of the warp sees a key of the tile that begins at key `first`.
template <class Traits>
FATTN_DEVICE bool seen_by_warp(simt::SharedMemory memory, int32_t first) {
  RowBlockLimits const limits = limits_of_warp<Traits>(memory, Place().warp).load();
  return simt::any_lane(!limits.hides(first, first + Traits::kBlockN));
}

/// Between the products: waits for the tile's values, starts the copy of the next tile's keys, and
/// takes out values that are not finite. Whether there were any. Moves `first` to the next tile.
template <class Traits>
FATTN_DEVICE bool turn_to_values(AttentionParams const& p, simt::SharedMemory memory, int32_t step,
                                 int32_t& first) {
  simt::wait_copies<0>();
  typename Traits::Facts const facts = kept_facts<Traits>(memory, Place().warp).load();
  bool const suspect =
      Traits::kGeneral || simt::any_lane(!facts.limits.shows(first, first + Traits::kBlockN));
  if (suspect) report_nonfinite<Traits>(memory);
  simt::sync_block();  // the values and the reports are there, and the keys are used
  first = facts.tiles.key(step + 1);
  if (step + 1 < facts.tiles.count) start_keys<Traits>(p, memory, first);
  if (!suspect || !reported_nonfinite<Traits>(memory)) return false;
  take_out_nonfinite<Traits>(memory);
  simt::sync_block();  // the values are finite, and the sets of what was taken out complete
  return true;
}

/// Takes the rows of the block through the keys they see. The queries are on their way to shared
/// memory; when it returns all copies have landed.
template <class Traits>
FATTN_DEVICE void attend(AttentionParams const& p, simt::SharedMemory memory,
                         Accumulators<Traits>& acc) {
  FragmentChunks<Traits> const chunks(memory);
  clear(acc);
  KeyTiles<Traits::kBlockN> const tiles = kept_facts<Traits>(memory, Place().warp).load().tiles;
  int32_t const count = tiles.count;
  int32_t first = tiles.key(0);
  bool spoilt = false;  // some outputs are: see nonfinite.h
  if (count > 0) start_keys<Traits>(p, memory, first);
  for (int32_t step = 0; step < count; ++step) {
    simt::wait_copies<0>();
    simt::sync_block();  // this tile's keys are there, and the last tile's values are used
    start_values<Traits>(p, memory, first);
    if (!seen_by_warp<Traits>(memory, first)) {
      turn_to_values<Traits>(p, memory, step, first);
      continue;
    }
    Scores<Traits> scores;
    score<Traits>(p, memory, chunks, first, scores);
    if (turn_to_values<Traits>(p, memory, step, first)) {
      note_spoilt<Traits>(scores, memory, spoilt);
      spoilt = true;
    }
    accumulate<Traits>(acc, scores, Traits::kGeneral ? 1 : p.scale * kLog2E, chunks);
  }
  simt::wait_copies<0>();
  if (spoilt) spoil<Traits>(acc, memory);
}

}  // namespace fattn::mma16
