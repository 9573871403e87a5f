// 64 x N += 64 x 16 by 16 x N, element by element, and where the elements lie.
#pragma once

#include <array>
#include <cstdint>

#include "simt/fragments.h"

namespace fattn::simt::host {

struct ProductMath {
  static constexpr int kRows = 64, kDepth = 16, kMostColumns = 256;
  std::array<std::array<float, kDepth>, kRows> a;
  std::array<std::array<float, kMostColumns>, kDepth> b;
  std::array<std::array<float, kMostColumns>, kRows> d;

  void multiply(int columns) {
    for (int row = 0; row < kRows; ++row)
      for (int k = 0; k < kDepth; ++k)
        for (int column = 0; column < columns; ++column) d[row][column] += a[row][k] * b[k][column];
  }

  /// Row and column of an accumulator's element, PTX ISA 9.7.15.5.1.1.
  static int row_of(int thread, int element) {
    return 16 * (thread / kWarpSize) + thread % kWarpSize / 4 + element / 2 % 2 * 8;
  }
  static int column_of(int thread, int element) {
    return element / 4 * 8 + thread % 4 * 2 + element % 2;
  }
};

}  // namespace fattn::simt::host
