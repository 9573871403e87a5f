#include "simt/host/fragments.h"

#include <bit>
#include <cstring>

namespace fattn::simt::host {
namespace {

constexpr int kN = 8;  // columns of every product
// Eight columns at once; compilers make of it what the machine has.
using Row [[gnu::vector_size(kN * sizeof(float)), gnu::may_alias]] = float;

template <int kDepth>
struct Product {
  alignas(32) float a[16][kDepth];
  alignas(32) float b[kDepth][kN];
  alignas(32) float d[16][kN];

  void multiply() {
    for (int row = 0; row < 16; ++row) {
      Row sum;
      std::memcpy(&sum, d[row], sizeof sum);
      for (int k = 0; k < kDepth; ++k) {
        Row factor;
        std::memcpy(&factor, b[k], sizeof factor);
        sum += a[row][k] * factor;
      }
      std::memcpy(d[row], &sum, sizeof sum);
    }
  }
  void take_sums(Accumulator const* const* sums) {
    for (int lane = 0; lane < kWarpSize; ++lane)
      for (int i = 0; i < 4; ++i) d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2] = (*sums[lane])[i];
  }
  void give_sums(Accumulator* const* sums) const {
    for (int lane = 0; lane < kWarpSize; ++lane)
      for (int i = 0; i < 4; ++i) (*sums[lane])[i] = d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
  }
};

template <class Widen>
void multiply_16_bit(Factors const* const* factors, Accumulator* const* sums, Widen widen) {
  Product<16> product;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    auto const& [a, b0, b1] = *factors[lane];
    int const row = lane / 4, pair = lane % 4 * 2;
    for (int half = 0; half < 2; ++half) {
      auto const element = [half, widen](uint32_t word) {
        return widen(static_cast<uint16_t>(word >> 16 * half));
      };
      product.a[row][pair + half] = element(a.word[0]);
      product.a[row + 8][pair + half] = element(a.word[1]);
      product.a[row][pair + 8 + half] = element(a.word[2]);
      product.a[row + 8][pair + 8 + half] = element(a.word[3]);
      product.b[pair + half][row] = element(b0);
      product.b[pair + 8 + half][row] = element(b1);
    }
  }
  product.take_sums(sums);
  product.multiply();
  product.give_sums(sums);
}

/// The hardware reads the upper 19 bits only.
float tf32(uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); }

using Matrix = uint16_t[8][8];

/// Element `half` of the pair that `lane` holds of a matrix.
uint16_t& element(Matrix& matrix, int lane, int half, bool transposed) {
  int const row = lane / 4, column = lane % 4 * 2 + half;
  return transposed ? matrix[column][row] : matrix[row][column];
}

Access access_of(int lane, AccessKind kind) {
  int const thread = block().self() / kWarpSize * kWarpSize + lane;
  return {thread, thread, kind};
}

}  // namespace

void load_matrices(MatrixRow const* const* rows, Fragment* const* taken, bool transposed) {
  for (int m = 0; m < 4; ++m) {
    Matrix matrix;
    for (int row = 0; row < 8; ++row)
      block().memory().load(block(), access_of(8 * m + row, AccessKind::kLoadMatrix),
                            rows[8 * m + row]->address, sizeof matrix[row], matrix[row]);
    for (int lane = 0; lane < kWarpSize; ++lane)
      taken[lane]->word[m] = uint32_t{element(matrix, lane, 1, transposed)} << 16 |
                             element(matrix, lane, 0, transposed);
  }
}

void store_matrices(MatrixRow const* const* rows, bool transposed) {
  for (int m = 0; m < 4; ++m) {
    Matrix matrix;
    for (int lane = 0; lane < kWarpSize; ++lane)
      for (int half = 0; half < 2; ++half)
        element(matrix, lane, half, transposed) =
            static_cast<uint16_t>(rows[lane]->stored->word[m] >> 16 * half);
    for (int row = 0; row < 8; ++row)
      block().memory().store(block(), access_of(8 * m + row, AccessKind::kStoreMatrix),
                             rows[8 * m + row]->address, sizeof matrix[row], matrix[row]);
  }
}

void multiply_f16(Factors const* const* factors, Accumulator* const* sums) {
  multiply_16_bit(factors, sums, [](uint16_t bits) { return f32_from_f16(bits); });
}

void multiply_bf16(Factors const* const* factors, Accumulator* const* sums) {
  multiply_16_bit(factors, sums, [](uint16_t bits) { return f32_from_bf16(bits); });
}

void multiply_tf32(Factors const* const* factors, Accumulator* const* sums) {
  Product<8> product;
  for (int lane = 0; lane < kWarpSize; ++lane) {
    auto const& [a, b0, b1] = *factors[lane];
    int const row = lane / 4, column = lane % 4;
    product.a[row][column] = tf32(a.word[0]);
    product.a[row + 8][column] = tf32(a.word[1]);
    product.a[row][column + 4] = tf32(a.word[2]);
    product.a[row + 8][column + 4] = tf32(a.word[3]);
    product.b[column][row] = tf32(b0);
    product.b[column + 4][row] = tf32(b1);
  }
  product.take_sums(sums);
  product.multiply();
  product.give_sums(sums);
}

}  // namespace fattn::simt::host
