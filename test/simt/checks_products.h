// Products of warpgroups: every width, both majors of both factors, both swizzles, factors in
// registers; of whole numbers, which are exact.
#pragma once

#include <cstdint>
#include <random>
#include <type_traits>
#include <utility>

#include "check.h"

namespace fattn::conformance {

constexpr int kDepth = 32;  // two products of 16
constexpr int kProductRows = 64;

/// A factor as it lies in shared memory, in panels of rows `swizzle` bytes long. What is no element
/// of it is NaN.
class PanelImage {
 public:
  PanelImage(Major major, TileSwizzle swizzle, int rows)
      : runs_along_k_(major == Major::kK), swizzle_(static_cast<int>(swizzle)) {
    int const panels = runs_along_k_ ? 1 : (2 * rows + swizzle_ - 1) / swizzle_;
    panel_bytes_ = (runs_along_k_ ? (rows + 7) / 8 * 8 : kDepth) * swizzle_;
    halves_.assign(static_cast<size_t>(panels * panel_bytes_ / 2), 0x7fff);  // NaN in both types
  }

  void set(int row, int k, uint16_t bits) {
    int const line = runs_along_k_ ? row : k, along = 2 * (runs_along_k_ ? k : row);
    int const address = along / swizzle_ * panel_bytes_ + line * swizzle_ + along % swizzle_;
    int const mixed = address ^ (address >> 7 & (swizzle_ / 16 - 1)) << 4;
    halves_[static_cast<size_t>(mixed / 2)] = bits;
  }
  int panel_bytes() const { return panel_bytes_; }
  int bytes() const { return static_cast<int>(halves_.size()) * 2; }
  /// From one 16 of the summed axis to the next.
  int step() const { return runs_along_k_ ? 32 : 16 * swizzle_; }
  std::vector<uint16_t> const& halves() const { return halves_; }

 private:
  bool runs_along_k_;
  int swizzle_, panel_bytes_;
  std::vector<uint16_t> halves_;
};

/// Which of the products: by the types of the elements, and by how the factors lie.
struct ProductForm {
  bool half;            // f16, else bf16
  bool from_registers;  // the first factor
  Major major_a, major_b;
};

struct ProductParams {
  Quad const *a, *b;          // images
  uint32_t const* fragments;  // [2 products][128 threads][4]
  float* sums;                // [64, n]
  int a_bytes, b_bytes, a_panel, b_panel, a_step, b_step;
  int swizzle;
  int form;  // index into the list below
};

constexpr int kFirstFactor = 0, kSecondFactor = 8192;  // in shared memory

/// One warpgroup multiplies in the form that the parameters name.
template <int kN>
struct MultiplyPanels : KernelShape<ProductParams, 128, kSecondFactor + 32768> {
  FATTN_DEVICE static void run(ProductParams const& p, SharedMemory memory) {
    copy(memory.at<Quad>(kFirstFactor), p.a, p.a_bytes);
    copy(memory.at<Quad>(kSecondFactor), p.b, p.b_bytes);
    fence_async_proxy();
    sync_block();
    if (p.form < 6)
      choose<F16>(p, memory, p.form);
    else
      choose<BF16>(p, memory, p.form - 6);
  }

  FATTN_DEVICE static void copy(Shared<Quad> target, Quad const* source, int bytes) {
    for (int i = thread_index(); i < bytes / 16; i += 128) target.store(i, source[i]);
  }

  template <class Element>
  FATTN_DEVICE static void choose(ProductParams const& p, SharedMemory memory, int form) {
    if (form == 0) multiply<Element, Major::kK, Major::kK>(p, memory);
    if (form == 1) multiply<Element, Major::kK, Major::kMN>(p, memory);
    if (form == 2) multiply<Element, Major::kMN, Major::kK>(p, memory);
    if (form == 3) multiply<Element, Major::kMN, Major::kMN>(p, memory);
    if (form == 4) multiply_registers<Element, Major::kK>(p, memory);
    if (form == 5) multiply_registers<Element, Major::kMN>(p, memory);
  }

  FATTN_DEVICE static MatrixDescriptor factor(ProductParams const& p, Shared<Quad> panel,
                                              int panel_bytes) {
    auto const swizzle = p.swizzle == 128 ? TileSwizzle::k128 : TileSwizzle::k64;
    return describe_matrix(panel, swizzle, panel_bytes);
  }

  template <class Element, Major kMajorA, Major kMajorB>
  FATTN_DEVICE static void multiply(ProductParams const& p, SharedMemory memory) {
    auto const a = factor(p, memory.at<Quad>(kFirstFactor), p.a_panel);
    auto const b = factor(p, memory.at<Quad>(kSecondFactor), p.b_panel);
    WgmmaAccumulator<kN> sums;
    start(sums);
    wgmma_fence(sums);
    wgmma<Element, kMajorA, kMajorB>(sums, a, b, false);
    wgmma<Element, kMajorA, kMajorB>(sums, a + p.a_step, b + p.b_step, true);
    finish(p, sums);
  }

  template <class Element, Major kMajorB>
  FATTN_DEVICE static void multiply_registers(ProductParams const& p, SharedMemory memory) {
    auto const b = factor(p, memory.at<Quad>(kSecondFactor), p.b_panel);
    Fragment first, second;
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < 4; ++i) {
      first.word[i] = p.fragments[thread_index() * 4 + i];
      second.word[i] = p.fragments[(128 + thread_index()) * 4 + i];
    }
    WgmmaAccumulator<kN> sums;
    start(sums);
    wgmma_fence(sums, first, second);
    wgmma<Element, kMajorB>(sums, first, b, false);
    wgmma<Element, kMajorB>(sums, second, b + p.b_step, true);
    finish(p, sums);
  }

  /// What must not be seen in the sums, since the first product does not add.
  FATTN_DEVICE static void start(WgmmaAccumulator<kN>& sums) {
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < sums.kElements; ++i) sums.set(i, 1000.0f);
  }

  FATTN_DEVICE static void finish(ProductParams const& p, WgmmaAccumulator<kN>& sums) {
    wgmma_commit();
    wgmma_wait<0>(sums);
    int const row = warp_index() * 16 + lane_index() / 4, column = lane_index() % 4 * 2;
    FATTN_UNROLL_DEVICE
    for (int i = 0; i < sums.kElements; ++i)
      p.sums[(row + i / 2 % 2 * 8) * kN + i / 4 * 8 + column + i % 2] = sums.get(i);
  }
};

/// Whole numbers of up to 3 as bits of the type.
inline uint16_t small_bits(bool half, int value) {
  constexpr uint16_t kHalf[] = {0, 0x3c00, 0x4000, 0x4200}, kBFloat[] = {0, 0x3f80, 0x4000, 0x4040};
  int const size = value < 0 ? -value : value;
  return static_cast<uint16_t>((half ? kHalf : kBFloat)[size] | (value < 0 ? 0x8000 : 0));
}

/// The factors of a product, a 64 x 32 and b 32 x n, and what it yields.
struct Problem {
  std::vector<int> a, b;  // [64, 32], [n, 32]
  std::vector<float> sums;

  explicit Problem(int n) {
    std::mt19937 generator(static_cast<unsigned>(n));
    std::uniform_int_distribution<int> whole(-3, 3);
    for (int i = 0; i < kProductRows * kDepth; ++i) a.push_back(whole(generator));
    for (int i = 0; i < n * kDepth; ++i) b.push_back(whole(generator));
    for (int row = 0; row < kProductRows; ++row)
      for (int column = 0; column < n; ++column) {
        int sum = 0;
        for (int k = 0; k < kDepth; ++k) sum += at(a, row, k) * at(b, column, k);
        sums.push_back(static_cast<float>(sum));
      }
  }
  static int at(std::vector<int> const& factor, int row, int k) {
    return factor[static_cast<size_t>(row * kDepth + k)];
  }
  static PanelImage image(std::vector<int> const& factor, bool half, Major major,
                          TileSwizzle swizzle) {
    int const rows = static_cast<int>(factor.size()) / kDepth;
    PanelImage image(major, swizzle, rows);
    for (int row = 0; row < rows; ++row)
      for (int k = 0; k < kDepth; ++k) image.set(row, k, small_bits(half, at(factor, row, k)));
    return image;
  }
  /// a as the threads hold it, product after product.
  std::vector<uint32_t> fragments(bool half) const {
    std::vector<uint32_t> words;
    for (int product = 0; product < 2; ++product)
      for (int thread = 0; thread < 128; ++thread)
        for (int i = 0; i < 4; ++i) {
          int const row = thread / 32 * 16 + thread % 32 / 4 + i % 2 * 8;
          int const k = product * 16 + thread % 4 * 2 + i / 2 * 8;
          words.push_back(uint32_t{small_bits(half, at(a, row, k + 1))} << 16 |
                          small_bits(half, at(a, row, k)));
        }
    return words;
  }
};

inline ProductForm product_form(int index) {
  int const lie = index % 6;
  if (lie >= 4) return {index < 6, true, Major::kK, lie == 4 ? Major::kK : Major::kMN};
  return {index < 6, false, lie < 2 ? Major::kK : Major::kMN,
          lie % 2 == 0 ? Major::kK : Major::kMN};
}

template <int kN>
void check_product_form(Machine& machine, Problem const& problem, int index, TileSwizzle swizzle) {
  ProductForm const form = product_form(index);
  auto const a = Problem::image(problem.a, form.half, form.major_a, swizzle);
  auto const b = Problem::image(problem.b, form.half, form.major_b, swizzle);
  ProductParams p{};
  p.a = reinterpret_cast<Quad const*>(machine.place(a.halves()));
  p.b = reinterpret_cast<Quad const*>(machine.place(b.halves()));
  p.a_bytes = form.from_registers ? 0 : a.bytes();
  p.b_bytes = b.bytes();
  if (form.from_registers) p.fragments = machine.place(problem.fragments(form.half));
  p.sums = machine.room<float>(problem.sums.size(), -1.0f);
  p.a_panel = a.panel_bytes();
  p.b_panel = b.panel_bytes();
  p.a_step = a.step();
  p.b_step = b.step();
  p.swizzle = static_cast<int>(swizzle);
  p.form = index;
  machine.run<MultiplyPanels<kN>>(p);
  auto const got = machine.fetch(p.sums, problem.sums.size());
  for (size_t i = 0; i < got.size(); ++i)
    expect(got[i] == problem.sums[i], "n = ", kN, ", ", form.half ? "f16" : "bf16", ", ",
           form.from_registers         ? "a in registers"
           : form.major_a == Major::kK ? "a along k"
                                       : "a along m",
           form.major_b == Major::kK ? ", b along k" : ", b along n", ", swizzle ", p.swizzle,
           ": row ", i / kN, ", column ", i % kN, " is ", got[i], ", expected ", problem.sums[i]);
}

template <int kN>
void check_width_of_product(Machine& machine) {
  Problem const problem(kN);
  for (int form = 0; form < 12; ++form)
    for (TileSwizzle const swizzle : {TileSwizzle::k128, TileSwizzle::k64})
      check_product_form<kN>(machine, problem, form, swizzle);
}

template <int... kEighths>
void check_widths(Machine& machine, std::integer_sequence<int, kEighths...>) {
  (check_width_of_product<8 * kEighths + 8>(machine), ...);
}

inline void check_wgmma(Machine& machine) {
  check_widths(machine, std::make_integer_sequence<int, 32>());
}

}  // namespace fattn::conformance
