#pragma once

// What a call of the prologue of compressed convolutional attention is tested with.

#include <vector>

#include "kernels/compressed_conv/params.h"

namespace fattn::test {

struct ConvCase {
  char const* name;
  int sequences, tokens;  // tokens of each; packed: of all
  int heads_q, heads_kv, d, taps_1, taps_2;
  int pairs = 0;
  bool halves = true;  // of pairs: (t, t + pairs), else neighbours
  bool history = false, biases = true;
  ConvTemperature mode = ConvTemperature::kExp;
  std::vector<int32_t> starts = {}, lengths = {}, positions = {};
  int64_t offset = 0;

  bool packed() const { return !starts.empty(); }
  int channels() const { return (heads_q + heads_kv) * d; }
  int half() const { return heads_kv * d / 2; }
  int halo() const { return taps_1 + taps_2 - 2; }
  int all_tokens() const { return packed() ? tokens : sequences * tokens; }
};

}  // namespace fattn::test
