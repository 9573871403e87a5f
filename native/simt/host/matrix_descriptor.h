// What a matrix descriptor says, checked, and the walk over the factor it describes: 16 bytes,
// which are 8 neighbours, at a time.
#pragma once

#include <cstdint>
#include <string>

#include "simt/warpgroup.h"

namespace fattn::simt::host {

class MatrixWalk {
 public:
  /// Of a factor with `rows` places along the axis that is not summed over.
  MatrixWalk(MatrixDescriptor descriptor, Major major, int rows);

  /// What is wrong with the descriptor; empty when nothing is.
  std::string mistake() const;
  /// Calls `visit(shared address, row, k)` for each 16 bytes, whose elements are those from (row,
  /// k) on: along k where that is the major axis, else along the rows.
  template <class Visit>
  void each(Visit const& visit) const;
  bool runs_along_k() const { return major_ == Major::kK; }

 private:
  int mixed(int address) const;

  uint64_t bits_;
  Major major_;
  int rows_;
  int start_, leading_, stride_;  // bytes
  int row_bytes_;                 // of a panel; 0: the mode is none of ours
};

inline int MatrixWalk::mixed(int address) const {
  return address ^ (address >> 7 & (row_bytes_ / 16 - 1)) << 4;
}

// PTX ISA 9.7.15.5.1.2: groups of 8 panel rows are `stride_` apart, panels `leading_`.
template <class Visit>
void MatrixWalk::each(Visit const& visit) const {
  constexpr int kDepth = 16, kNeighbours = 8;
  auto const in_group = [this](int index) { return index / 8 * stride_ + index % 8 * row_bytes_; };
  if (runs_along_k()) {
    for (int row = 0; row < rows_; ++row)
      for (int k = 0; k < kDepth; k += kNeighbours)
        visit(mixed(start_ + in_group(row) + 2 * k), row, k);
  } else {
    int const panel = row_bytes_ / 2;  // elements
    for (int k = 0; k < kDepth; ++k)
      for (int row = 0; row < rows_; row += kNeighbours)
        visit(mixed(start_ + row / panel * leading_ + in_group(k) + row % panel * 2), row, k);
  }
}

}  // namespace fattn::simt::host
