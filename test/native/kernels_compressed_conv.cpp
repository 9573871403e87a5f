// The prologue of compressed convolutional attention on the emulator, against plain loops in
// double.

#include "kernels_compressed_conv_call.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

template <class Element>
void expect_prologue(ConvCase const& c, EmulationOptions const& options) {
  ConvCall<Element> call(c);
  call.run(options);
  call.expect_all();
}

// Tiles are 32 tokens, a thread makes 8 tokens of a channel.
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
}

}  // namespace
}  // namespace fattn::test
