// The prologue of compressed convolutional attention on the emulator, against plain loops in
// double.

#include "kernels_compressed_conv_call.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

template <class Element>
void expect_prologue(ConvCase const& c, EmulationOptions const& options) {
  for (bool const by_head : {false, true}) {
    ConvCall<Element> call(c);
    call.run(options, by_head);
    call.expect_all();
  }
}

// Tiles are 32 tokens, a thread makes 16 tokens of a channel, of up to 4 in all 4; weights come by
// 4 channels.
TEST(kernels_compressed_conv_equals_plain_loops) {
  std::vector<ConvCase> const cases = {
      {"CCGQA over two tiles", 1, 37, 4, 2, 6, 2, 2, 3},
      {"CCA", 2, 9, 2, 2, 8, 2, 2, 4, false},
      {"one key head: half of it is delayed", 1, 5, 3, 1, 10, 2, 2, 2},
      {"one tap each", 1, 9, 2, 1, 4, 1, 1},
      {"many taps", 1, 35, 2, 1, 4, 4, 3, 2},
      {"no biases, raw temperature", 2, 3, 2, 1, 4, 2, 2, 1, true, false, false,
       ConvTemperature::kRaw},
      {"an odd head dim, clamped temperature", 1, 4, 2, 2, 5, 2, 3, 2, true, false, true,
       ConvTemperature::kExpClamped},
      {"a history", 2, 5, 2, 1, 4, 3, 3, 1, true, true},
      {"one token with a history", 3, 1, 2, 1, 4, 2, 2, 1, true, true},
      {"no tokens, a history to pass on", 2, 0, 2, 1, 4, 3, 2, 1, true, true},
      {"packed, empty ones too",
       5,
       50,
       2,
       1,
       4,
       2,
       2,
       1,
       true,
       false,
       true,
       ConvTemperature::kExp,
       {0, 3, 3, 36, 40, 40}},
      {"more packed sequences than lanes",
       40,
       47,
       2,
       1,
       4,
       2,
       2,
       1,
       true,
       false,
       true,
       ConvTemperature::kExp,
       {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
        21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40, 45}},
      {"lengths",
       3,
       34,
       2,
       1,
       4,
       2,
       2,
       1,
       true,
       false,
       true,
       ConvTemperature::kExp,
       {},
       {34, 0, 3}},
      {"positions and an offset",
       1,
       4,
       2,
       1,
       4,
       2,
       2,
       2,
       true,
       false,
       true,
       ConvTemperature::kExp,
       {},
       {},
       {7, 0, 100000, 3},
       5},
  };
  for (ConvCase const& c : cases)
    for_some_schedules([&](EmulationOptions const& options) {
      expect_prologue<float>(c, options);
      expect_prologue<F16>(c, options);
      expect_prologue<BF16>(c, options);
    });
}

TEST(kernels_compressed_conv_takes_shorter_tiles_for_wide_heads) {
  using Kernel = CompressedConv<BF16>;
  expect(Kernel::tile_tokens(128, 64, 2) == 32);
  expect(Kernel::tile_tokens(256, 128, 2) == 16);
  expect(Kernel::tile_tokens(8192, 0, 2) == 0, "not one token fits");
  ConvCase const wide = {"a head of 300", 1, 19, 1, 1, 300, 2, 2, 150};
  expect_prologue<BF16>(wide, EmulationOptions{3, Landing::kLate});
  expect_prologue<float>(wide, EmulationOptions{3, Landing::kLate});
}

TEST(kernels_compressed_conv_brings_weights_of_fewer_channels_for_wide_heads_of_many_taps) {
  using Kernel = CompressedConv<BF16>;
  for (int const taps : {7, 8}) {
    expect(Kernel::tile_tokens(512, 256, taps) > 0, "half of a round's weights");
    expect(Kernel::tile_tokens(1800, 0, taps) > 0, "those of a warp");
    expect(Kernel::tile_tokens(2500, 0, taps) == 0, "not one token fits");
  }
  EmulationOptions const options{3, Landing::kLate};
  ConvCase const wide = {"8 taps of a head of 512", 1, 5, 1, 1, 512, 2, 8, 256};
  expect_prologue<BF16>(wide, options);
  ConvCall<float> call(wide);
  call.run(options);
  call.split = 0x1p-18;  // 4096 roundings of 2^-24, up and down: as much as 64 of them
  call.expect_all();
  expect_prologue<BF16>({"weights of 32 at a time", 1, 2, 1, 1, 1000, 1, 8, 500}, options);
}

// The sum of squares is infinite where no element is: of such a head nothing is left, not even NaN.
TEST(kernels_compressed_conv_heads_longer_than_float32_counts_are_zero) {
  ConvCase const c = {"long", 1, 3, 1, 1, 4, 1, 1, 2};
  for_some_schedules([&](EmulationOptions const& options) {
    ConvCall<float> call(c);
    for (int i = 0; i < c.channels(); ++i) call.latent[call.row(c.channels()) + i] = 1e25f;
    call.run(options);
    for (int t = 0; t < c.tokens; ++t)
      for (int e = 0; e < c.d; ++e)
        for (auto* out : {&call.q, &call.k}) {
          float const found = (*out)[t * call.row(c.d) + e];
          expect(t == 1 ? found == 0 : found == found && found != 0, "one token of three");
        }
  });
}

// Tiles are 128 tokens, a warp makes 16 of them; weights come by 64 channels of one tap.
std::vector<ConvCase> const kTensorCoreCases = {
    {"CCGQA over two tiles", 1, 141, 4, 2, 16, 2, 2, 8},
    {"neighbours turn", 2, 9, 2, 2, 8, 2, 2, 4, false},
    {"half of a head turns", 1, 20, 2, 1, 32, 2, 2, 8},
    {"one tap each", 1, 9, 2, 1, 16, 1, 1},
    {"many taps, history, channels that fill no fragment", 2, 19, 2, 2, 24, 4, 3, 12, true, true},
    {"the most taps over two tiles", 1, 130, 1, 1, 16, 8, 8, 8},
    {"no biases, raw temperature", 1, 3, 2, 1, 16, 2, 2, 1, true, false, false,
     ConvTemperature::kRaw},
    {"clamped temperature", 1, 3, 1, 1, 64, 2, 3, 32, true, false, true,
     ConvTemperature::kExpClamped},
    {"no tokens, a history to pass on", 2, 0, 2, 1, 16, 3, 2, 1, true, true},
    {"packed, empty ones too",
     5,
     150,
     2,
     1,
     16,
     2,
     2,
     4,
     true,
     false,
     true,
     ConvTemperature::kExp,
     {0, 3, 3, 136, 140, 140}},
    {"lengths and positions of each token",
     3,
     18,
     2,
     1,
     16,
     2,
     2,
     4,
     true,
     false,
     true,
     ConvTemperature::kExp,
     {},
     {18, 0, 3},
     {7, 0, 100000, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
      0, 1, 2,      3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
      5, 4, 3,      2, 1, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0,  1},
     5},
};

template <class Element, int kHeadDim>
void expect_on_tensor_cores(std::vector<ConvCase> const& cases) {
  for (ConvCase const& c : cases)
    for_some_schedules([&](EmulationOptions const& options) {
      ConvCall<Element, 8> call(c);
      call.template run_mma16<kHeadDim>(options);
      call.expect_all();
    });
}

TEST(kernels_compressed_conv_mma16_float16) { expect_on_tensor_cores<F16, 64>(kTensorCoreCases); }
TEST(kernels_compressed_conv_mma16_bfloat16) { expect_on_tensor_cores<BF16, 64>(kTensorCoreCases); }

TEST(kernels_compressed_conv_mma16_wide_heads) {
  expect_on_tensor_cores<BF16, 128>(
      {{"128 channels", 1, 20, 2, 1, 128, 2, 2, 64}, {"a head of 72", 1, 5, 2, 2, 72, 2, 2, 36}});
  expect_on_tensor_cores<F16, 256>({{"a head of 208", 1, 18, 1, 1, 208, 2, 2, 104}});
}

TEST(kernels_compressed_conv_mma16_taps) {
  for (int taps_1 = 1; taps_1 <= 4; ++taps_1)
    for (int taps_2 = 1; taps_2 <= 4; ++taps_2) {
      std::string const name = std::to_string(taps_1) + " and " + std::to_string(taps_2) + " taps";
      ConvCase const c = {name.c_str(), 1, 19, 1, 1, 16, taps_1, taps_2, 8, true, taps_1 > 2};
      ConvCall<BF16, 8> call(c);
      call.run_mma16<64>({3, Landing::kLate});
      call.expect_all();
    }
}

// Latents near the largest float16 make y larger than any. Next to them ones of the usual size keep
// their digits.
TEST(kernels_compressed_conv_mma16_float16_does_not_overflow) {
  ConvCase const c = {"large latents", 1, 20, 1, 1, 16, 2, 2, 8};
  for_some_schedules([&](EmulationOptions const& options) {
    ConvCall<F16, 8> call(c);
    for (int i = 0; i < c.channels(); ++i)
      call.latent[3 * call.row(c.channels()) + i] = simt::round_to<F16>(i % 2 ? 65504 : -60000);
    for (int64_t i = 0; i < call.w1.size(); ++i)
      call.w1[i] = simt::round_to<F16>(4 * simt::to_float(call.w1[i]));
    call.run_mma16<64>(options);
    call.expect_all();
  });
}

// NaN and infinity spoil the tokens whose convolutions see them, and no other.
TEST(kernels_compressed_conv_mma16_contains_nan_and_infinity) {
  ConvCase const c = {"poisoned", 1, 40, 1, 1, 16, 2, 3, 8};
  for (float const poison : {NAN, INFINITY})
    for_some_schedules([&](EmulationOptions const& options) {
      ConvCall<BF16, 8> sound(c), call(c);
      call.latent[20 * call.row(c.channels()) + 5] = simt::round_to<BF16>(poison);
      sound.run_mma16<64>(options);
      call.run_mma16<64>(options);
      for (int t = 0; t < c.tokens; ++t) {
        bool const sees = t >= 20 && t <= 20 + c.halo();
        for (int e = 0; e < c.d; ++e) {
          int64_t const at = t * call.row(c.d) + e;
          expect(sees == std::isnan(call.number(call.q, at)), "queries");
          expect(sees || call.q[at].bits == sound.q[at].bits, "queries of other tokens");
        }
      }
    });
}

TEST(kernels_compressed_conv_in_quads) {
  ConvCase const c = {"aligned", 1, 3, 2, 2, 8, 2, 2, 4, true, true};
  ConvCall<BF16, 8> call(c);
  expect(in_quads(call.params()));
  auto const refused = [&](auto const& flaw) {
    CompressedConvParams p = call.params();
    flaw(p);
    expect(!in_quads(p));
  };
  refused([](CompressedConvParams& p) { p.head_dim = 12; });
  refused([](CompressedConvParams& p) { p.heads_kv = 1; });
  refused([](CompressedConvParams& p) { p.latent.token += 4; });
  refused([](CompressedConvParams& p) { p.value.sequence += 1; });
  refused([](CompressedConvParams& p) { p.v.head += 4; });
  refused([](CompressedConvParams& p) {
    p.history.data = static_cast<char const*>(p.history.data) + 2;
  });
  refused([](CompressedConvParams& p) {
    p.delayed.data = static_cast<char const*>(p.delayed.data) + 8;
  });
}

}  // namespace
}  // namespace fattn::test
