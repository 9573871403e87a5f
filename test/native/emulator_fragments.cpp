// Matrix fragments of the emulator against plain loops over whole matrices.

#include <cmath>
#include <random>

#include "core/half.h"
#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Halves {
  uint16_t const* in;  // four 8x8 matrices, one after the other
  uint16_t* out;       // the same after a way through fragments
};

/// Loads four matrices and stores them, each transposed where asked.
template <bool kLoadTransposed, bool kStoreTransposed>
struct RoundTrip : KernelShape<Halves, 32, 1024> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const halves = memory.at<uint16_t>(0);
    int const lane = lane_index();
    for (int i = 0; i < 8; ++i) halves.store(lane * 8 + i, p.in[lane * 8 + i]);
    sync_warp();
    auto const from = memory.at<Quad>(0) + lane, to = memory.at<Quad>(512) + lane;
    auto const fragment = kLoadTransposed ? load_matrix_x4_transposed(from) : load_matrix_x4(from);
    if (kStoreTransposed) {
      store_matrix_x4_transposed(to, fragment);
    } else {
      store_matrix_x4(to, fragment);
    }
    sync_warp();
    for (int i = 0; i < 8; ++i) p.out[lane * 8 + i] = halves.load(256 + lane * 8 + i);
  }
};

template <class Kernel>
void expect_round_trip(bool transposes) {
  uint16_t in[256], out[256] = {};
  for (int i = 0; i < 256; ++i) in[i] = static_cast<uint16_t>(i * 257);
  expect_clean<Kernel>({in, out});
  for (int m = 0; m < 4; ++m)
    for (int row = 0; row < 8; ++row)
      for (int column = 0; column < 8; ++column)
        expect_equal(out[m * 64 + row * 8 + column],
                     in[m * 64 + (transposes ? column * 8 + row : row * 8 + column)]);
}

TEST(emulator_matrix_loads_and_stores_undo_one_another) {
  expect_round_trip<RoundTrip<false, false>>(false);
  expect_round_trip<RoundTrip<true, true>>(false);
  expect_round_trip<RoundTrip<true, false>>(true);
  expect_round_trip<RoundTrip<false, true>>(true);
}

struct Layout : KernelShape<Halves, 32, 512> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    int const lane = lane_index();
    for (int i = 0; i < 8; ++i) memory.at<uint16_t>(0).store(lane * 8 + i, p.in[lane * 8 + i]);
    sync_warp();
    auto const fragment = load_matrix_x4(memory.at<Quad>(0) + lane);
    for (int i = 0; i < 8; ++i)
      p.out[lane * 8 + i] = static_cast<uint16_t>(fragment.word[i / 2] >> 16 * (i % 2));
  }
};

TEST(emulator_lanes_hold_neighbouring_elements_of_a_row) {
  uint16_t in[256], out[256] = {};
  for (int i = 0; i < 256; ++i) in[i] = static_cast<uint16_t>(i);
  expect_clean<Layout>({in, out});
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 8; ++i)
      expect_equal(out[lane * 8 + i], i / 2 * 64 + lane / 4 * 8 + lane % 4 * 2 + i % 2);
}

struct Matrices {
  float const *a, *b, *c;  // [16, k], [k, 8], [16, 8]
  float* d;
};

template <class Element>
struct Multiply16 : KernelShape<Matrices, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const row = lane_index() / 4, pair = lane_index() % 4 * 2;
    auto const a = [&](int r, int k) { return p.a[r * 16 + k]; };
    auto const b = [&](int k) { return p.b[k * 8 + row]; };
    Fragment const left{{pack<Element>(a(row, pair), a(row, pair + 1)),
                         pack<Element>(a(row + 8, pair), a(row + 8, pair + 1)),
                         pack<Element>(a(row, pair + 8), a(row, pair + 9)),
                         pack<Element>(a(row + 8, pair + 8), a(row + 8, pair + 9))}};
    float d[4];
    for (int i = 0; i < 4; ++i) d[i] = p.c[(row + i / 2 * 8) * 8 + pair + i % 2];
    multiply_m16n8k16<Element>(d, left, pack<Element>(b(pair), b(pair + 1)),
                               pack<Element>(b(pair + 8), b(pair + 9)));
    for (int i = 0; i < 4; ++i) p.d[(row + i / 2 * 8) * 8 + pair + i % 2] = d[i];
  }
};

struct MultiplyTf32 : KernelShape<Matrices, 32> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    int const row = lane_index() / 4, column = lane_index() % 4;
    auto const a = [&](int r, int k) { return to_tf32(p.a[r * 8 + k]); };
    Fragment const left{
        {a(row, column), a(row + 8, column), a(row, column + 4), a(row + 8, column + 4)}};
    float d[4];
    for (int i = 0; i < 4; ++i) d[i] = p.c[(row + i / 2 * 8) * 8 + column * 2 + i % 2];
    multiply_m16n8k8_tf32(d, left, to_tf32(p.b[column * 8 + row]),
                          to_tf32(p.b[(column + 4) * 8 + row]));
    for (int i = 0; i < 4; ++i) p.d[(row + i / 2 * 8) * 8 + column * 2 + i % 2] = d[i];
  }
};

/// d = c + a b of depth k in double, every factor rounded by `rounded`; f32 sums may err by half a
/// unit of the largest partial sum at each of their k steps.
template <class Kernel, class Rounded>
void expect_product(int depth, Rounded rounded) {
  std::mt19937 generator(7);
  std::normal_distribution<float> normal;
  auto const matrix = [&](int size) {
    std::vector<float> values(static_cast<size_t>(size));
    for (auto& value : values) value = normal(generator);
    return values;
  };
  auto const a = matrix(16 * depth), b = matrix(depth * 8), c = matrix(16 * 8);
  std::vector<float> d(16 * 8);
  expect_clean<Kernel>({a.data(), b.data(), c.data(), d.data()});
  auto const at = [](std::vector<float> const& m, int i) { return m[static_cast<size_t>(i)]; };
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      double sum = at(c, row * 8 + column), size = std::fabs(sum);
      for (int k = 0; k < depth; ++k) {
        double const product = rounded(at(a, row * depth + k)) * rounded(at(b, k * 8 + column));
        sum += product;
        size += std::fabs(product);
      }
      expect_near(at(d, row * 8 + column), sum, depth * 0x1p-24 * size);
    }
}

TEST(emulator_multiplies_fragments) {
  expect_product<Multiply16<F16>>(16,
                                  [](float x) { return double{f32_from_f16(f16_from_f32(x))}; });
  expect_product<Multiply16<BF16>>(16,
                                   [](float x) { return double{f32_from_bf16(bf16_from_f32(x))}; });
  expect_product<MultiplyTf32>(8, [](float x) {
    double const unit = std::ldexp(1.0, std::ilogb(x) - 10);  // 10 bits behind the leading one
    return std::round(x / unit) * unit;                       // ties away from zero
  });
}

/// One row of a fragment was never written.
template <bool kBug>
struct UnwrittenRow : KernelShape<Halves, 32, 512> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    auto const row = memory.at<Quad>(0) + lane_index();
    if (!kBug || lane_index() != 19) row.store(0, Quad{});
    sync_warp();
    (void)load_matrix_x4(row);
  }
};

TEST(emulator_finds_rows_of_fragments_that_nobody_wrote) {
  expect_mistake<UnwrittenRow<true>>(
      {nullptr, nullptr},
      {"thread 19", "ldmatrix of 16 bytes at offset 304 of shared memory reads what nobody"});
  expect_clean<UnwrittenRow<false>>({nullptr, nullptr});
}

/// Fragments are stored, and loaded by the same warp or by another, with too little between.
template <bool kBug, bool kLoads>
struct FragmentRace : KernelShape<Halves, 64, 512> {
  FATTN_DEVICE static void run(Params const&, SharedMemory memory) {
    int const lane = lane_index();
    if (warp_index() == 0) store_matrix_x4(memory.at<Quad>(0) + lane, Fragment{});
    if (kLoads) {
      if (!kBug) sync_warp();
      if (warp_index() == 0) (void)load_matrix_x4(memory.at<Quad>(0) + (31 - lane));
    } else {
      sync_block();
      if (warp_index() == 1) (void)load_matrix_x4(memory.at<Quad>(0) + lane);
      if (!kBug) sync_block();
      if (warp_index() == 0) store_matrix_x4(memory.at<Quad>(0) + lane, Fragment{});
    }
  }
};

TEST(emulator_finds_races_of_fragments) {
  expect_mistake<FragmentRace<true, true>>(
      {nullptr, nullptr}, {"ldmatrix of 16 bytes", "races with the stmatrix by thread"});
  expect_clean<FragmentRace<false, true>>({nullptr, nullptr});
  expect_mistake<FragmentRace<true, false>>({nullptr, nullptr},
                                            {"matrix of 16 bytes", "races with"});
  expect_clean<FragmentRace<false, false>>({nullptr, nullptr});
}

TEST(emulator_rounds_to_tf32_with_ties_away) {
  expect_equal(to_tf32(1.0f), 0x3f800000u);
  expect_equal(to_tf32(std::bit_cast<float>(0x3f801000u)), 0x3f802000u, "a tie");
  expect_equal(to_tf32(std::bit_cast<float>(0xbf801000u)), 0xbf802000u, "a negative tie");
  expect_equal(to_tf32(std::bit_cast<float>(0x3f800fffu)), 0x3f800000u);
  expect_equal(to_tf32(std::bit_cast<float>(0x7f7fffffu)), 0x7f800000u, "overflow");
  expect_equal(to_tf32(-INFINITY), 0xff800000u);
  expect(std::isnan(std::bit_cast<float>(to_tf32(NAN))));
}

TEST(emulator_packs_the_lower_column_below) {
  expect_equal(pack<F16>(1.0f, -2.0f), 0xc0003c00u);
  expect_equal(pack<BF16>(1.0f, -2.0f), 0xc0003f80u);
}

}  // namespace
}  // namespace fattn::test
