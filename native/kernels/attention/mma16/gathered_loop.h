// The loop of mainloop.h over gathered keys. It knows where it stands by a place alone: with a step
// and a count beside it nvcc 13.0 runs out of registers at head dim 128, as with any more of the
// loop over contiguous keys.
#pragma once

#include "kernels/attention/mma16/gathered.h"
#include "kernels/attention/mma16/mainloop.h"
#include "kernels/mma16/copy.h"

namespace fattn::mma16 {

/// As start_copy(), of rows of `keys`, which may be values, to the operand at `operand`. One row
/// after the other, since their addresses have nothing in common.
template <class Traits>
FATTN_DEVICE void start_gathered(SharedRecord<typename Traits::Keys> keys,
                                 simt::SharedMemory memory, int operand, int32_t first,
                                 int32_t width) {
  using Share = CopyShare<Traits::kThreads, Traits::kHeadDim>;
  Share const share;
  PanelChunk<Traits::kBlockN> const target(memory, operand, share.row, share.chunk);
  simt::Shared<int32_t> const tokens =
      KeyRing<Traits>(memory).tokens + KeyRing<Traits>::at(first) + share.row;
  FATTN_ROLLED_DEVICE for (int row = 0; row < Traits::kBlockN; row += Share::kStep) {
    int32_t const token = tokens.load(row);
    auto const* const from = keys.load().row(token) + share.chunk * 8;
    FATTN_UNROLL_DEVICE for (int panel = 0; panel < Share::kPanels;
                             ++panel) if (share.in_operand(panel))
        simt::copy_async_16(target.at(row, panel * 4), from + panel * 64,
                            token >= 0 && share.chunk * 8 < width - panel * 64);
  }
  simt::commit_copies();
}

template <class Traits>
FATTN_DEVICE int32_t end_of_places(simt::SharedMemory memory) {
  return kept_facts<Traits>(memory, Place().warp).load().tiles.end;
}

/// As turn_to_values(). What rows of a block see of a tile is never known to be all of it.
template <class Traits>
FATTN_DEVICE bool turn_to_gathered_values(AttentionParams const& p, simt::SharedMemory memory,
                                          int32_t& first) {
  simt::wait_copies<0>();
  report_nonfinite<Traits>(memory);
  simt::sync_block();  // the values, the reports and the next keys' places are there
  first += Traits::kBlockN;
  if (first < end_of_places<Traits>(memory))
    start_gathered<Traits>(kept_keys<Traits>(memory), memory, Traits::kKey, first, p.head_dim);
  if (!reported_nonfinite<Traits>(memory)) return false;
  take_out_nonfinite<Traits>(memory);
  simt::sync_block();  // the values are finite, and the sets of what was taken out complete
  return true;
}

/// As attend().
template <class Traits>
FATTN_DEVICE void attend_gathered(AttentionParams const& p, simt::SharedMemory memory,
                                  Accumulators<Traits>& acc) {
  FragmentChunks<Traits> const chunks(memory);
  clear(acc);
  int32_t first = kept_facts<Traits>(memory, Place().warp).load().tiles.first;
  bool spoilt = false;  // some outputs are: see nonfinite.h
  ask_ahead<Traits>(memory, first);
  look_up<Traits>(memory, first);
  simt::sync_block();  // all know where the first keys lie
  if (first < end_of_places<Traits>(memory))
    start_gathered<Traits>(kept_keys<Traits>(memory), memory, Traits::kKey, first, p.head_dim);
  while (first < end_of_places<Traits>(memory)) {
    simt::wait_copies<0>();
    simt::sync_block();  // this tile's keys are there, and the last tile's values are used
    start_gathered<Traits>(kept_values<Traits>(memory), memory, Traits::kValue, first,
                           p.head_dim_v);
    look_up<Traits>(memory, first + Traits::kBlockN);
    if (!gathered_for_warp<Traits>(memory, first)) {
      turn_to_gathered_values<Traits>(p, memory, first);
      continue;
    }
    Scores<Traits> scores;
    multiply_keys<Traits>(scores, chunks);
    gather_scores<Traits>(p, scores, memory, first);
    if (turn_to_gathered_values<Traits>(p, memory, first)) {
      note_spoilt<Traits>(scores, memory, spoilt);
      spoilt = true;
    }
    accumulate<Traits>(acc, scores, 1, chunks);
  }
  simt::wait_copies<0>();
  if (spoilt) spoil<Traits>(acc, memory);
}

}  // namespace fattn::mma16
