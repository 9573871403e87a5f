// Where an element lies in shared memory. 16-bit operands are cut into panels of 64 columns, one
// after the other; a row of a panel is 128 bytes, whose eight 16-byte chunks are exchanged by the
// row: chunk c lies at c xor (row mod 8). Eight rows of one chunk column, which is what a phase of
// ldmatrix reads, and eight chunks of one row, which is what a phase of the copies writes, both
// touch all 32 banks once.
#pragma once

#include "simt/simt.h"

namespace fattn::mma16 {

/// The chunk of an operand of kRows rows that one lane addresses, relative to which others are a
/// constant away: rows in steps of 8, columns in steps of 16 elements.
template <int kRows>
struct PanelChunk {
  uint32_t address;

  FATTN_DEVICE PanelChunk(simt::SharedMemory memory, int operand, int row, int chunk)
      : address(memory.address +
                static_cast<uint32_t>(operand + row * 128 + ((chunk ^ (row % 8)) * 16))) {}

  /// `rows` further down, a multiple of 8, and 16 `steps` columns to the right. The panels are
  /// aligned to 1024 bytes and the chunk's own row is multiplied by 128, so that a step within a
  /// panel changes bits of the address that nothing is carried into.
  FATTN_DEVICE simt::Shared<simt::Quad> at(int rows, int steps) const {
    return {(address ^ static_cast<uint32_t>(steps % 4 * 32)) +
            static_cast<uint32_t>(steps / 4 * kRows * 128 + rows * 128)};
  }
};

}  // namespace fattn::mma16
