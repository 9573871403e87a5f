#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor_view.h"

namespace fattn {

/// Which two elements of the first `rotary_dim` turn together (attention-variants 2.7).
enum class RopePairing : uint8_t {
  kHalfSplit = 0,      // (t, t + r/2): NeoX, Llama
  kInterleaved = 1,    // (2t, 2t+1), written back in place: GPT-J
  kDeinterleaved = 2,  // reads (2t, 2t+1), writes (t, t + r/2): RxNN
};

enum class RopeScaling : uint8_t {
  kNone = 0,
  kLinear = 1,
  kDynamicNtk = 2,
  kLlama3 = 3,
  kYarn = 4,
  kLongRope = 5,
  kProportional = 6,
};

struct RopeDesc {
  int64_t rotary_dim = 0;  // even, <= d; with kProportional the pairs still span all of d
  double theta = 10000;
  RopePairing pairing = RopePairing::kHalfSplit;
  bool inverse = false;         // negated sine
  int64_t position_offset = 0;  // added to every position
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1;
  double original_max = 0;                           // L0, or Smax for dynamic NTK
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  double beta_fast = 32, beta_slow = 1;              // yarn
  bool truncate = true;                              // yarn
  double attention_factor = 0;                       // 0 = the scaling's own rule
  double mscale = 0, mscale_all_dim = 0;             // yarn, 0 = absent
  double current_length = 0;  // S for dynamic NTK and longrope, 0 = largest position + 1
  std::vector<double> short_factors, long_factors;  // longrope, rotary_dim / 2 each
};

struct RopeArgs {
  TensorView x;          // [b, s, h, d] or packed [t, h, d]
  TensorView out;        // like x; the very view of x (in place) or disjoint from it
  TensorView positions;  // i32 [b, s], [s] (broadcast in place) or packed [t]; undefined = 0..s-1
};

/// Angle per position of each pair, and the factor on cos and sin. The first 2 *
/// per_position.size() elements of a head turn and are paired over that width: rotary_dim, or
/// head_dim with kProportional, whose pairs beyond rotary_dim / 2 have angle 0.
struct RopeFrequencies {
  std::vector<double> per_position;
  double attention_factor = 1;
};
RopeFrequencies rope_frequencies(RopeDesc const& desc, int64_t head_dim);

void check_rope(RopeDesc const& desc, RopeArgs& args);

}  // namespace fattn
