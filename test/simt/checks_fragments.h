// Warp matrix fragments: where elements lie, and products of whole numbers, which are exact.
#pragma once

#include <cstdint>
#include <random>
#include <type_traits>

#include "check.h"

namespace fattn::conformance {

struct Matrices {
  uint16_t const* in;  // four 8x8, one after the other
  uint16_t* held;      // [lane][8], as the fragment holds them
  uint16_t* out;       // four 8x8 again
};

enum class Move { kLoad, kStore };

/// Loads four matrices, writes down what each lane holds, and stores them again. The rows lie in
/// shared memory in reversed order, since their addresses are the lanes' own.
template <Move kMove, bool kTransposed>
struct MoveMatrices : KernelShape<Matrices, 32, 1024> {
  FATTN_DEVICE static void run(Matrices const& p, SharedMemory memory) {
    int const lane = lane_index();
    auto const row = memory.at<Quad>(0) + (31 - lane);
    for (int i = 0; i < 8; ++i) row.as<uint16_t>().store(i, p.in[lane * 8 + i]);
    sync_warp();
    Fragment const fragment = take(p, row, kMove == Move::kLoad && kTransposed);
    for (int i = 0; i < 8; ++i)
      p.held[lane * 8 + i] = static_cast<uint16_t>(fragment.word[i / 2] >> 16 * (i % 2));
    if constexpr (kMove == Move::kStore) {
      auto const target = memory.at<Quad>(512) + lane;
      if (kTransposed)
        store_matrix_x4_transposed(target, fragment);
      else
        store_matrix_x4(target, fragment);
      sync_warp();
      for (int i = 0; i < 8; ++i) p.out[lane * 8 + i] = target.as<uint16_t>().load(i);
    }
  }

  FATTN_DEVICE static Fragment take(Matrices const&, Shared<Quad> row, bool transposed) {
    return transposed ? load_matrix_x4_transposed(row) : load_matrix_x4(row);
  }
};

template <Move kMove, bool kTransposed>
void check_move(Machine& machine) {
  std::vector<uint16_t> in(256), held(256), out(256);
  for (size_t i = 0; i < 256; ++i) in[i] = static_cast<uint16_t>(i * 257);
  auto const at = [](size_t matrix, size_t row, size_t column) {
    return matrix * 64 + row * 8 + column;
  };
  for (size_t i = 0; i < 256; ++i) {
    size_t const lane = i / 8, word = i % 8 / 2, row = lane / 4, column = lane % 4 * 2 + i % 2;
    bool const turned = kTransposed && kMove == Move::kLoad;
    held[i] = in[turned ? at(word, column, row) : at(word, row, column)];
    out[i] = in[kTransposed ? at(i / 64, i % 8, i / 8 % 8) : i];
  }
  Matrices const p{machine.place(in), machine.room<uint16_t>(256), machine.room<uint16_t>(256)};
  machine.run<MoveMatrices<kMove, kTransposed>>(p);
  expect_same(machine.fetch(p.held, 256), held, "elements of each lane");
  if (kMove == Move::kStore) expect_same(machine.fetch(p.out, 256), out, "elements stored");
}

struct Factors {
  float const *a, *b, *c;  // [16, k], [k, 8], [16, 8]
  uint32_t const* noise;   // for tf32: bits that nobody reads
  float* d;
};

template <class Element>
struct Multiply16 : KernelShape<Factors, 32> {
  FATTN_DEVICE static void run(Factors const& p, SharedMemory) {
    int const row = lane_index() / 4, pair = lane_index() % 4 * 2;
    Fragment const left{{two(p, row, pair), two(p, row + 8, pair), two(p, row, pair + 8),
                         two(p, row + 8, pair + 8)}};
    auto const right = [&](int k) {
      return pack<Element>(p.b[k * 8 + row], p.b[(k + 1) * 8 + row]);
    };
    float d[4];
    for (int i = 0; i < 4; ++i) d[i] = p.c[(row + i / 2 * 8) * 8 + pair + i % 2];
    multiply_m16n8k16<Element>(d, left, right(pair), right(pair + 8));
    for (int i = 0; i < 4; ++i) p.d[(row + i / 2 * 8) * 8 + pair + i % 2] = d[i];
  }
  FATTN_DEVICE static uint32_t two(Factors const& p, int row, int k) {
    return pack<Element>(p.a[row * 16 + k], p.a[row * 16 + k + 1]);
  }
};

struct MultiplyTf32 : KernelShape<Factors, 32> {
  FATTN_DEVICE static void run(Factors const& p, SharedMemory) {
    int const row = lane_index() / 4, column = lane_index() % 4;
    Fragment const left{{a(p, row, column), a(p, row + 8, column), a(p, row, column + 4),
                         a(p, row + 8, column + 4)}};
    float d[4];
    for (int i = 0; i < 4; ++i) d[i] = p.c[(row + i / 2 * 8) * 8 + column * 2 + i % 2];
    multiply_m16n8k8_tf32(d, left, b(p, column, row), b(p, column + 4, row));
    for (int i = 0; i < 4; ++i) p.d[(row + i / 2 * 8) * 8 + column * 2 + i % 2] = d[i];
  }
  FATTN_DEVICE static uint32_t a(Factors const& p, int row, int k) {
    return bits_of(p.a[row * 8 + k]) | p.noise[row * 8 + k];
  }
  FATTN_DEVICE static uint32_t b(Factors const& p, int k, int column) {
    return bits_of(p.b[k * 8 + column]) | p.noise[k * 8 + column];
  }
};

template <class Kernel>
void check_product(Machine& machine, size_t depth) {
  std::mt19937 generator(3);
  std::uniform_int_distribution<int> whole(-9, 9);
  auto const matrix = [&](size_t size) {
    std::vector<float> values(size);
    for (auto& value : values) value = static_cast<float>(whole(generator));
    return values;
  };
  auto const a = matrix(16 * depth), b = matrix(depth * 8), c = matrix(16 * 8);
  std::vector<uint32_t> noise(16 * depth);
  for (auto& bits : noise) bits = generator() & 0x1fff;
  std::vector<float> expected = c;
  for (size_t row = 0; row < 16; ++row)
    for (size_t column = 0; column < 8; ++column)
      for (size_t k = 0; k < depth; ++k)
        expected[row * 8 + column] += a[row * depth + k] * b[k * 8 + column];
  auto* const d = machine.room<float>(128);
  machine.run<Kernel>(
      {machine.place(a), machine.place(b), machine.place(c), machine.place(noise), d});
  expect_same(machine.fetch(d, 128), expected, "elements of the product");
}

inline void check_products_of_warps(Machine& machine) {
  check_product<Multiply16<F16>>(machine, 16);
  check_product<Multiply16<BF16>>(machine, 16);
}
inline void check_products_of_tf32(Machine& machine) { check_product<MultiplyTf32>(machine, 8); }

inline std::vector<Check> checks_of_fragments() {
  return {
      {{"load_matrix_x4"}, Needs::kSm80, check_move<Move::kLoad, false>},
      {{"load_matrix_x4_transposed"}, Needs::kSm80, check_move<Move::kLoad, true>},
      {{"store_matrix_x4"}, Needs::kSm90, check_move<Move::kStore, false>},
      {{"store_matrix_x4_transposed"}, Needs::kSm90, check_move<Move::kStore, true>},
      {{"multiply_m16n8k16"}, Needs::kSm80, check_products_of_warps},
      {{"multiply_m16n8k8_tf32"}, Needs::kSm80, check_products_of_tf32},
  };
}

}  // namespace fattn::conformance
