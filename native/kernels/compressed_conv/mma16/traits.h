// Shape of one thread block of the prologue on tensor cores: constants, types and shared memory, no
// code. The second convolution is a product per head, of 128 tokens with the d K2 weights of each
// of d channels; mma.sync.m16n8k16 does it (sm_80 and later).
//
// What it multiplies is y, the float32 result of the first convolution. Rounded to 16 bits it would
// make the outputs err by 1.3 times what their own rounding costs (simulated, 64 channels), and
// steps of decoding, which the simple path serves, would see other queries than the prefill before
// them. So y is a sum of two 16-bit numbers, which leaves 2^-16 of it in bfloat16, in float16 2^-22
// where y as scaled (see kScaled) is 2^-3 or more and below that 2^-25, as float16 has nothing
// finer than 2^-24; and there are two products with the same weights. Of 8 query and 2 key heads of
// 128 channels and two taps they are 1.3 MFLOP per token, next to 6 KB of memory traffic: at the
// peaks of an H100 (gpu-kernels 1.2) 1.3 ns and 1.8 ns.
//
// A warp has 16 tokens and all channels of a head: it makes the fragments of y from latents in
// shared memory as it goes, so that they are not stored and read again, and no other warp has to be
// told about norms. Weights come by 64 channels of one tap, two stages
// of them. With 37 KB, 73 KB and 146 KB for head dims of 64, 128 and 256 a multiprocessor of sm_80
// or later holds two blocks or more, at 256 one; sm_86 and sm_89 hold none of these.
#pragma once

#include <type_traits>

#include "kernels/compressed_conv/values.h"

namespace fattn::mma16 {

template <class Element_, int kHeadDim_>
struct ConvTraits {
  using Element = Element_;                   // of latents, w2 and outputs
  static constexpr int kHeadDim = kHeadDim_;  // padded with zeros

  static constexpr int kWarps = 8;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kMinBlocks = kHeadDim > 128 ? 1 : 2;
  static constexpr int kTokens = 16 * kWarps;  // of a tile
  static constexpr int kTiles = kHeadDim / 8;  // of channels, per warp
  static constexpr int kPanels = kHeadDim / 64;
  static constexpr int kMostTaps = 8;
  static constexpr int kRows = kTokens + 2 * kMostTaps;  // of latents, with the halo

  // Products of float16 must not overflow where float32 does not: y is scaled down first, by a
  // power of two that depends on the head's first convolution alone.
  static constexpr bool kScaled = std::is_same_v<Element, simt::F16>;

  // Shared memory, in bytes from its start.
  static constexpr int kLatents = 0;                      // panels of [kRows]
  static constexpr int kWeights = kPanels * kRows * 128;  // stages, a panel of [kHeadDim] each
  static constexpr int kStageBytes = kHeadDim * 128;      //
  static constexpr int kStages = 2;                       // in the end, float per warp: [8][d]
  static constexpr int kParameters = kWeights + kStages * kStageBytes;
  // float [kMostTaps + 2][kHeadDim]: the taps of w1, then b1 and b2
  static constexpr int kBounds = kParameters + 4 * (kMostTaps + 2) * kHeadDim;  // float [kWarps]
  static constexpr int kSharedBytes = kBounds + 4 * kWarps;

  static_assert(sizeof(Element) == 2,
                "mma.sync multiplies f16 or bf16; f32 goes to the simple path");
  static_assert(kHeadDim % 64 == 0 && kHeadDim <= kThreads, "a thread bounds a channel");
  static_assert(kWarps * 8 * kHeadDim * 4 == kStages * kStageBytes,
                "results lie where stages were");
  static_assert((kSharedBytes + 1024) * kMinBlocks <= 164 * 1024, "a multiprocessor of sm_80");
};

/// Two elements of y, in float32.
struct alignas(8) FloatPair {
  float at[2];
};

template <class Element>
FATTN_DEVICE FloatPair widened(uint32_t both) {
  return {simt::to_float(Element{static_cast<uint16_t>(both & 0xffff)}),
          simt::to_float(Element{static_cast<uint16_t>(both >> 16)})};
}

/// What the warps keep of the head that the block makes.
struct ConvHead {
  int32_t head, group;  // of all; of the key heads
  int32_t used, halo;   // tokens of the tile in use; latents in front of them
  bool is_query;
};

}  // namespace fattn::mma16
