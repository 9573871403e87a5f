// Copies between global memory and the panels.
#pragma once

#include "kernels/mma16/lane.h"
#include "kernels/mma16/panel.h"

namespace fattn::mma16 {

/// What a thread copies of an operand: one 16-byte chunk of every panel, of every row that is a
/// multiple of kStep away from its first. Eight threads copy the 128 bytes of a panel's row.
template <int kThreads, int kColumns>
struct CopyShare {
  static constexpr int kStep = kThreads / 8;
  static constexpr int kPanels = (kColumns + 63) / 64;
  int row, chunk;

  FATTN_DEVICE CopyShare() {
    Place const place;
    row = place.warp * 4 + place.lane / 8;
    chunk = place.lane % 8;
  }

  /// Whether the chunk of panel `panel` is one of an operand: the last panel may be half.
  FATTN_DEVICE bool in_operand(int panel) const {
    return kColumns % 64 == 0 || panel * 64 + chunk * 8 < kColumns;
  }
};

/// Starts copying rows first .. first + kRows - 1 of `source` and their `width` columns (a multiple
/// of 8) to the operand of kColumns columns at `operand`; zeros where there are none.
template <int kThreads, int kRows, int kColumns, class Source>
FATTN_DEVICE void start_copy(simt::SharedMemory memory, int operand, Source const& source,
                             int32_t first, int32_t width) {
  using Share = CopyShare<kThreads, kColumns>;
  Share const share;
  PanelChunk<kRows> const target(memory, operand, share.row, share.chunk);
  FATTN_UNROLL_DEVICE for (int row = 0; row < kRows; row += Share::kStep) {
    int32_t const at = first + share.row + row;
    bool const has = source.has(at);
    auto const* const from = source.row(at) + share.chunk * 8;
    FATTN_UNROLL_DEVICE for (int panel = 0; panel < Share::kPanels;
                             ++panel) if (share.in_operand(panel))
        simt::copy_async_16(target.at(row, panel * 4), from + panel * 64,
                            has && share.chunk * 8 < width - panel * 64);
  }
  simt::commit_copies();
}

}  // namespace fattn::mma16
