// Frequencies of the rotary scalings that depend on the length of the sequence, where only the
// device knows it: from the largest of the positions of tokens in use (attention-variants 2.7).
#pragma once

#include "kernels/elementwise/rope.h"

namespace fattn {

struct RopeFrequenciesParams {
  RopePositions positions;  // null data: at their index in their sequence
  int64_t batch, tokens;    // packed: one batch
  int32_t pairs;
  double original_max;
  double* frequencies;  // [pairs], written

  // The frequencies up to original_max and beyond (longrope). Null: theta grows (dynamic NTK).
  double const* within;
  double const* beyond;
  double theta, factor;
  int32_t rotary_dim;

  // Tokens in use; both null: all. Within their range, as PrepareIndices leaves them.
  int32_t const* lengths;      // [batch]
  int32_t const* cu_seq_lens;  // [sequences + 1], packed; what lies behind the last is not in use
  int64_t sequences;
};

/// One block.
struct RopeFrequenciesByLength {
  using Params = RopeFrequenciesParams;
  static constexpr int kThreads = 512;
  static constexpr int kMinBlocks = 1;
  static constexpr int kWarps = kThreads / simt::kWarpSize;
  static constexpr int kSharedBytes = 4 * kWarps;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    double const length = static_cast<double>(longest(p, memory.at<int32_t>(0)));
    double const theta = p.within ? 0 : stretched_theta(p, length);
    double const* const fixed = length > p.original_max ? p.beyond : p.within;
    for (int32_t t = simt::thread_index(); t < p.pairs; t += kThreads)
      p.frequencies[t] = p.within ? fixed[t] : simt::power(theta, -2.0 * t / p.rotary_dim);
  }

 private:
  /// Of the thread's tokens, without the offset; INT32_MIN where it has none.
  FATTN_DEVICE static int32_t largest_given(Params const& p) {
    int32_t largest = INT32_MIN;
    for (int64_t i = simt::thread_index(); i < p.batch * p.tokens; i += kThreads) {
      int64_t const b = i / p.tokens, t = i % p.tokens;
      if (p.lengths && t >= p.lengths[b]) continue;
      if (p.cu_seq_lens && t >= p.cu_seq_lens[p.sequences]) continue;
      int32_t const position = p.positions.data[b * p.positions.batch + t * p.positions.token];
      if (position > largest) largest = position;
    }
    return largest;
  }

  /// The same where tokens stand at their index: the last of the longest sequence.
  FATTN_DEVICE static int32_t largest_index(Params const& p) {
    int32_t largest = INT32_MIN;
    int64_t const sequences = p.cu_seq_lens ? p.sequences : p.batch;
    for (int64_t n = simt::thread_index(); n < sequences; n += kThreads) {
      int32_t count = static_cast<int32_t>(p.tokens);
      if (p.lengths) count = p.lengths[n];
      if (p.cu_seq_lens) count = p.cu_seq_lens[n + 1] - p.cu_seq_lens[n];
      if (count > 0 && count - 1 > largest) largest = count - 1;
    }
    return largest;
  }

  /// Largest position plus 1, at least 0.
  FATTN_DEVICE static int64_t longest(Params const& p, simt::Shared<int32_t> shared) {
    int32_t largest = p.positions.data ? largest_given(p) : largest_index(p);
    largest = simt::reduce_max(largest);
    if (simt::lane_index() == 0) shared.store(simt::warp_index(), largest);
    simt::sync_block();
    for (int i = 0; i < kWarps; ++i) {
      int32_t const other = shared.load(i);
      if (other > largest) largest = other;
    }
    if (largest == INT32_MIN) return 0;
    int64_t const length = largest + p.positions.offset + 1;
    return length > 0 ? length : 0;
  }

  /// As core/ops/rope.cpp has it, for the lengths that the host knows.
  FATTN_DEVICE static double stretched_theta(Params const& p, double length) {
    if (length <= p.original_max || p.rotary_dim == 2) return p.theta;
    double const stretch = p.factor * length / p.original_max - (p.factor - 1);
    double const width = p.rotary_dim;
    return p.theta * simt::power(stretch, width / (width - 2));
  }
};

}  // namespace fattn
