// Attention over gathered keys against plain loops: what names the keys, every way to cut the work,
// lists that are too short for their keys, and numbers that no list should hold.

#include "kernels/sparse/mma16/kernel.h"
#include "kernels/sparse/simple/kernel.h"
#include "kernels_sparse_call.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

SparseCase packed(SparseCase c, std::vector<int> lengths_q, std::vector<int> lengths_k) {
  c.lengths_q = std::move(lengths_q), c.lengths_k = std::move(lengths_k);
  return c;
}
SparseCase padded(SparseCase c, std::vector<int> kv_lengths) {
  c.kv_lengths = std::move(kv_lengths);
  return c;
}
SparseCase keeping(SparseCase c, int keep) {
  c.naming = KeyNaming::kKept, c.keep = keep;
  return c;
}
SparseCase of_blocks(SparseCase c, int block_q, int block_k) {
  c.naming = KeyNaming::kBlocks, c.block_q = block_q, c.block_k = block_k;
  return c;
}

template <class Element, template <class> class Kernel>
void expect_all(std::vector<SparseCase> const& cases, bool rounds_weights) {
  for (SparseCase const& c : cases)
    for_some_schedules([&](EmulationOptions const& options) {
      SparseCall<Element> call(c);
      call.rounds_weights = rounds_weights;
      call.template run<Kernel<Element>>(options);
      call.expect_results();
    });
}
template <class Element>
using Mma16OfWidth64 = Mma16SparseAttention<Element, 64>;
template <class Element>
using Mma16OfWidth128 = Mma16SparseAttention<Element, 128>;

// Tiles have 4 rows, lists 16; steps take 32 keys.
std::vector<SparseCase> const kSimple = {
    {"less than a tile", 1, 3, 5, 2, 2, 1, 4, 2},
    {"grouped heads, odd sizes", 2, 7, 45, 4, 2, 2, 37, 12},
    {"a score head per query head", 1, 19, 40, 4, 2, 4, 8, 8},
    {"heads that share a tile", 1, 19, 70, 4, 2, 2, 8, 8, true, 2},
    {"heads that do not divide a tile", 1, 11, 70, 6, 2, 1, 8, 8, true, 3},
    {"rows that see no key", 1, 9, 3, 2, 1, 1, 16, 16},
    {"output wider than a pass", 1, 3, 40, 1, 1, 1, 8, 300},
    {"all keys seen", 2, 5, 30, 2, 2, 2, 8, 8, false},
    {"chunks, some of them empty", 2, 9, 150, 2, 1, 1, 8, 8, true, 2, 6},
    {"keys beyond a list's room", 2, 9, 150, 2, 1, 1, 8, 8, true, 2, 1, 20},
    {"the same in chunks", 1, 9, 150, 2, 1, 2, 8, 8, true, 1, 3, 60},
    {"no keys", 1, 5, 0, 2, 1, 1, 8, 8},
    padded({"padding", 3, 6, 40, 2, 1, 1, 8, 8}, {40, 0, 9}),
    packed({"packed, an empty sequence, tokens left over", 0, 50, 90, 4, 2, 2, 8, 8, true, 2},
           {30, 0, 1, 17}, {30, 17, 13, 28}),
    packed({"packed, in chunks, without room", 0, 50, 90, 4, 2, 2, 8, 8, true, 2, 2, 9},
           {30, 0, 1, 17}, {30, 17, 13, 28}),
    keeping({"kept", 2, 1, 50, 4, 2, 2, 8, 8, true, 2}, 9),
    keeping({"kept, a list per head, in chunks", 3, 1, 100, 4, 2, 4, 8, 8, false, 1, 2}, 70),
    of_blocks({"blocks", 2, 33, 50, 4, 2, 2, 8, 8, true, 2}, 8, 7),
    of_blocks({"blocks of which tiles are no part", 1, 33, 50, 6, 2, 2, 8, 8, true, 3}, 7, 16),
    of_blocks({"blocks of one", 1, 9, 20, 2, 2, 1, 8, 8, false}, 1, 1),
    of_blocks({"blocks larger than all", 1, 9, 20, 2, 2, 1, 8, 8}, 500, 500),
    of_blocks({"blocks in chunks", 1, 20, 200, 2, 1, 1, 8, 8, true, 2, 4}, 20, 64),
    padded(of_blocks({"blocks and padding", 3, 20, 50, 2, 1, 1, 8, 8}, 8, 7), {50, 0, 19}),
};

TEST(kernels_sparse_simple_float32) { expect_all<float, SimpleSparseAttention>(kSimple, false); }
TEST(kernels_sparse_simple_float16) { expect_all<F16, SimpleSparseAttention>(kSimple, false); }
TEST(kernels_sparse_simple_bfloat16) { expect_all<BF16, SimpleSparseAttention>(kSimple, false); }

// Tiles have 128 rows, lists 512; steps take 64 keys.
std::vector<SparseCase> const kMma16 = {
    {"less than a tile", 1, 3, 5, 2, 2, 1, 8, 8},
    {"ragged", 2, 150, 230, 2, 1, 1, 64, 40},
    {"a score head per query head", 1, 20, 100, 4, 2, 4, 56, 64},
    {"heads that share a tile", 1, 70, 200, 6, 2, 2, 64, 64, true, 3},
    {"all keys seen", 1, 30, 100, 2, 2, 2, 16, 64, false},
    {"rows that see no key", 1, 40, 9, 1, 1, 1, 16, 8},
    {"decode in chunks", 2, 1, 700, 8, 2, 2, 64, 64, true, 4, 5},
    {"keys beyond a list's room, in chunks", 1, 70, 300, 2, 1, 1, 64, 64, true, 2, 2, 50},
    {"no keys", 1, 5, 0, 2, 1, 1, 64, 64},
    padded({"padding", 3, 40, 200, 1, 1, 1, 64, 64}, {200, 0, 90}),
    packed({"packed", 0, 160, 400, 2, 1, 1, 64, 64, true, 2}, {70, 0, 9, 75}, {140, 3, 5, 200}),
    keeping({"kept", 3, 1, 300, 4, 2, 2, 64, 64, true, 2, 2}, 150),
    of_blocks({"blocks", 1, 150, 200, 4, 2, 2, 64, 64, true, 2}, 100, 48),
    of_blocks({"blocks in chunks", 2, 20, 400, 2, 1, 1, 64, 64, false, 2, 3}, 16, 64),
};
std::vector<SparseCase> const kMma16Wide = {
    {"ragged", 1, 140, 150, 2, 1, 1, 128, 104, true, 2},
    of_blocks({"blocks", 1, 40, 150, 2, 1, 1, 104, 128, true, 2}, 16, 32),
};

TEST(kernels_sparse_mma16_bfloat16) { expect_all<BF16, Mma16OfWidth64>(kMma16, true); }
TEST(kernels_sparse_mma16_float16) { expect_all<F16, Mma16OfWidth64>(kMma16, true); }
TEST(kernels_sparse_mma16_wide) { expect_all<BF16, Mma16OfWidth128>(kMma16Wide, true); }

/// A value that is infinite or NaN reaches the rows that keep its key, and no other.
TEST(kernels_sparse_values_that_are_not_finite) {
  SparseCase c{"not finite", 1, 6, 70, 1, 1, 1, 8, 8, false};
  for_some_schedules([&](EmulationOptions const& options) {
    SparseCall<F16> usual(c), call(c);
    usual.run<Mma16OfWidth64<F16>>(options);
    constexpr int kKey = 20;  // kept by queries 2 and 3
    for (auto* each : {&usual, &call}) {
      each->intervals[kKey] = 2, each->intervals[c.seq_kv + kKey] = 4;
      each->scores[kKey] = 1;
    }
    usual.run<Mma16OfWidth64<F16>>(options);
    call.v[kKey * 16 + 3] = simt::round_to<F16>(INFINITY);
    call.run<Mma16OfWidth64<F16>>(options);
    for (int i = 0; i < c.seq_q; ++i)
      for (int e = 0; e < 8; ++e) {
        float const found = simt::to_float(call.out[i * 16 + e]);
        if ((i == 2 || i == 3) && e == 3)
          expect(found == INFINITY, "a row that keeps the key");
        else
          expect_equal(found, simt::to_float(usual.out[i * 16 + e]), "another output");
      }
  });
}

/// Lists of blocks that do not exist, and of ranges that are none, are not followed anywhere.
TEST(kernels_sparse_hostile_blocks) {
  SparseCase const c = of_blocks({"hostile", 1, 20, 50, 2, 1, 1, 8, 8, true, 2}, 8, 8);
  for_some_schedules([&](EmulationOptions const& options) {
    for (int32_t const number : {INT32_MIN, -1, 7, INT32_MAX}) {
      SparseCall<float> call(c);
      for (auto& list : call.indices)
        for (int64_t i = 0; i < list.size(); ++i) list[i] = number;
      call.run<SimpleSparseAttention<float>>(options);
      for (auto& list : call.offsets)
        for (int64_t i = 0; i < list.size(); ++i) list[i] = i % 2 ? number : -1 - number;
      call.run<SimpleSparseAttention<float>>(options);
    }
  });
}

TEST(kernels_sparse_lists_that_failed_name_no_key) {
  SparseCase const c = of_blocks({"failed", 1, 9, 50, 2, 1, 1, 8, 8}, 8, 8);
  for_some_schedules([&](EmulationOptions const& options) {
    SparseCall<float> call(c);
    int32_t const failed = 1;
    call.p.failed = &failed;
    call.run<SimpleSparseAttention<float>>(options);
    for (int64_t i = 0; i < call.lse.size(); ++i) expect(call.lse[i] == -INFINITY, "an empty row");
  });
}

}  // namespace
}  // namespace fattn::test
