// The tensor-core path against plain loops: every shape of block, every way to cut the work, under
// schedules that show a missing barrier or wait.

#include "kernels/attention/mma16/kernel.h"
#include "kernels_attention_call.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

template <class Element>
using Call = AttentionCall<Element, 8>;  // rows stay aligned to 16 bytes

template <class Element, int kHeadDim, bool kGeneral>
void expect_case(AttentionCase const& c, EmulationOptions const& options) {
  Call<Element> call(c);
  call.rounds_weights = true;
  call.template run<Mma16Attention<Element, kHeadDim, kGeneral>>(options);
  call.expect_results();
}

template <class Element, int kHeadDim, bool kGeneral>
void expect_all(std::vector<AttentionCase> const& cases) {
  for (AttentionCase const& c : cases)
    for_some_schedules([&](EmulationOptions const& options) {
      expect_case<Element, kHeadDim, kGeneral>(c, options);
    });
}

// Blocks have 128 rows and steps of 128 keys at head dim 64; 64 keys beyond.
std::vector<AttentionCase> const kStructural = {
    {"less than a tile", 1, 3, 5, 2, 2, 64, 64},
    {"ragged, no mask", 1, 150, 330, 1, 1, 64, 40},
    {"causal, grouped heads", 2, 140, 140, 2, 1, 56, 64, true},
    {"causal, rows that see no key", 1, 40, 9, 1, 1, 16, 8, true},
    {"causal, more keys than queries", 1, 20, 300, 1, 1, 64, 64, true},
    {"narrow window", 1, 200, 200, 1, 1, 32, 32, true, 20},
    {"window both ways", 1, 150, 300, 1, 1, 24, 64, false, 40, 30},
    {"window and sink tokens far apart", 1, 30, 600, 1, 1, 64, 64, true, 50, -1, 3},
    {"more sink tokens than a chunk has keys", 1, 2, 700, 2, 1, 64, 64, true, 20, -1, 500, 0, false,
     256, 2},
    {"rows of several heads side by side", 2, 30, 150, 6, 2, 64, 64, true, -1, -1, 0, 0, false, 0,
     3},
    {"decode in chunks", 2, 1, 700, 8, 2, 64, 64, true, -1, -1, 0, 0, false, 256, 4},
    {"chunks that end within tiles", 1, 5, 300, 2, 1, 64, 24, true, 90, -1, 4, 0, false, 100, 2},
};

AttentionCase packed_case() {
  AttentionCase c{"packed, an empty sequence, tokens left over", 0, 160, 400, 2, 1, 64, 64, true};
  c.pack = 2;
  c.lengths_q = {70, 0, 9, 75};
  c.lengths_k = {140, 3, 5, 200};
  return c;
}
AttentionCase lengths_case() {
  AttentionCase c{"lengths and prefixes", 3, 40, 200, 1, 1, 64, 64, true};
  c.kv_lengths = {200, 0, 90};
  c.prefixes = {0, 5, 60};
  return c;
}

TEST(kernels_mma16_structural_bfloat16) { expect_all<BF16, 64, false>(kStructural); }
TEST(kernels_mma16_structural_float16) { expect_all<F16, 64, false>(kStructural); }
TEST(kernels_mma16_packed_and_lengths) {
  expect_all<BF16, 64, false>({packed_case(), lengths_case()});
}

// The same, by a kernel that takes the scores one by one.
TEST(kernels_mma16_structural_general) { expect_all<F16, 64, true>(kStructural); }

TEST(kernels_mma16_every_option) {
  std::vector<AttentionCase> const cases = {
      {"every option", 2, 70, 150, 4, 2, 64, 64, true, 100, -1, 2, 8.0f, true},
      {"every option, in chunks", 1, 9, 150, 4, 2, 24, 40, true, -1, -1, 0, 8.0f, true, 70, 2},
      {"softcap", 1, 30, 100, 1, 1, 64, 64, false, -1, -1, 0, 3.0f},
  };
  expect_all<BF16, 64, true>(cases);
  expect_all<F16, 64, true>(cases);
}

template <int kHeadDim>
std::vector<AttentionCase> wide_cases() {
  return {{"width, causal", 1, 150, 200, 1, 1, kHeadDim, kHeadDim, true},
          {"narrower than the kernel", 1, 20, 130, 2, 1, kHeadDim - 24, kHeadDim - 16, true},
          {"different widths", 1, 20, 70, 1, 1, kHeadDim, 8}};
}
TEST(kernels_mma16_head_dim_32) { expect_all<F16, 32, false>(wide_cases<32>()); }
TEST(kernels_mma16_head_dim_96) { expect_all<BF16, 96, false>(wide_cases<96>()); }
TEST(kernels_mma16_head_dim_128) { expect_all<F16, 128, false>(wide_cases<128>()); }
TEST(kernels_mma16_head_dim_192) { expect_all<BF16, 192, false>(wide_cases<192>()); }
TEST(kernels_mma16_head_dim_256) { expect_all<BF16, 256, false>(wide_cases<256>()); }
TEST(kernels_mma16_head_dim_128_general) { expect_all<BF16, 128, true>(wide_cases<128>()); }
TEST(kernels_mma16_head_dim_256_general) { expect_all<F16, 256, true>(wide_cases<256>()); }

// NaN and infinity in keys and values, in tiles of which rows see a part: they spoil the rows that
// see them, in the columns they are in, and no other.
template <class Element, int kHeadDim, bool kGeneral>
void expect_contained(AttentionCase const& c) {
  for_some_schedules([&](EmulationOptions const& options) {
    Call<Element> call(c);
    call.rounds_weights = true;
    int const width_k = Call<Element>::row(c.head_dim), width_v = Call<Element>::row(c.head_dim_v);
    auto poison = [&](int key, int column, float value) {
      call.v[int64_t{key} * c.heads_kv * width_v + column] = simt::round_to<Element>(value);
    };
    int const last = c.seq_kv - 1;
    poison(last - 1, 0, INFINITY);
    poison(last - 2, 1, -INFINITY);
    for (int column : {2, c.head_dim_v - 1}) poison(last - 3, column, NAN);
    poison(last - 4, 5, INFINITY);
    poison(last - 7, 5, -INFINITY);
    poison(last / 2, 6, INFINITY);
    poison(2, 7, -INFINITY);
    call.k[int64_t{last} * c.heads_kv * width_k + 3] = simt::round_to<Element>(NAN);
    call.template run<Mma16Attention<Element, kHeadDim, kGeneral>>(options);
    call.expect_results();
  });
}

TEST(kernels_mma16_contains_nan_and_infinity) {
  expect_contained<BF16, 64, false>({"causal", 1, 140, 200, 2, 1, 64, 64, true});
  expect_contained<F16, 64, false>({"window", 1, 140, 200, 1, 1, 64, 40, true, 30, -1, 3});
  expect_contained<BF16, 128, false>(
      {"chunks", 1, 9, 250, 2, 1, 128, 72, true, -1, -1, 0, 0, false, 128, 2});
  expect_contained<F16, 256, false>({"wide", 1, 20, 80, 1, 1, 192, 256, true});
  expect_contained<BF16, 64, true>(
      {"every option", 1, 70, 150, 2, 1, 64, 64, true, 100, -1, 2, 8.0f, true});
}

// Scores that grow from tile to tile by more than a row's maximum may lag, and by less.
TEST(kernels_mma16_growing_scores) {
  AttentionCase const c{"growing", 1, 20, 700, 1, 1, 64, 64};
  for (float growth : {0.002f, 0.03f, 0.3f, -0.3f}) {
    Call<BF16> call(c);
    call.rounds_weights = true;
    for (int64_t i = 0; i < c.seq_q; ++i)
      for (int e = 0; e < 64; ++e)
        call.q[i * Call<BF16>::row(64) + e] = simt::round_to<BF16>(e == 0 ? 8.0f : 0.125f);
    for (int64_t j = 0; j < c.seq_kv; ++j)
      call.k[j * Call<BF16>::row(64)] = simt::round_to<BF16>(growth * static_cast<float>(j));
    call.run<Mma16Attention<BF16, 64, false>>({});
    call.expect_results();
  }
}

}  // namespace
}  // namespace fattn::test
