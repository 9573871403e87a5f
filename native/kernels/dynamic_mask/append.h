// Tells a decoding state the scores of its next tokens (attention-variants 5.6). Of those it keeps
// and the new ones together the best `keep` stay, in the order of their indices: a block finds the
// keep-th best score of a list by two bits at a time, so that one more token costs 16 counts of
// what is kept at most, however many tokens there were, and a whole prompt no more than that many
// counts of its length.
#pragma once

#include "kernels/dynamic_mask/params.h"
#include "simt/simt.h"

namespace fattn {

/// Lists are [b][heads].
struct AppendScoresParams {
  int32_t* tokens;             // [lists][1 + keep]: how many there were, and those kept
  float* kept;                 // [lists][keep]: their scores
  int32_t const* counts;       // [lists]: how many there were, checked; with those added below 2^31
  KeyScoreValues scores;       // of the next tokens
  int32_t heads, keep, added;  // keep + added is below 2^30
};

/// The grid has one axis: a block per list.
struct AppendScores {
  using Params = AppendScoresParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 2;
  static constexpr int kWarps = kThreads / simt::kWarpSize;
  static constexpr int kDigits = 3;  // of two bits, but 0
  static constexpr int kCounts = 2 * kWarps * kDigits;
  static constexpr int kTotals = 2 * kWarps * 2;
  static constexpr int kSharedBytes = 4 * (kCounts + kTotals);

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    List const list(p, static_cast<int32_t>(simt::block_index().x));
    Threshold const least = list.all <= p.keep ? Threshold{0, list.all}
                                               : keep_th_best(list, p.keep, memory.at<int32_t>(0));
    keep_best(list, least, memory.at<int32_t>(4 * kCounts));
    if (simt::thread_index() == 0) list.tokens[-1] = list.seen + p.added;
  }

 private:
  /// Entries of a list: those kept, and behind them the new ones.
  struct List {
    int32_t seen;        // tokens so far
    int32_t count, all;  // entries kept, and with the new ones
    int32_t* tokens;
    float* kept;
    float const* added;
    int64_t stride;

    FATTN_DEVICE List(Params const& p, int32_t list) {
      seen = p.counts[list];
      count = seen < p.keep ? seen : p.keep;
      all = count + p.added;
      tokens = p.tokens + int64_t{list} * (p.keep + 1) + 1;
      kept = p.kept + int64_t{list} * p.keep;
      added = p.scores.data + list / p.heads * p.scores.batch + list % p.heads * p.scores.head;
      stride = p.scores.key;
    }

    /// NaN counts as -inf.
    FATTN_DEVICE float score(int32_t entry) const {
      float const x = entry < count ? kept[entry] : added[(entry - count) * stride];
      return simt::is_nan(x) ? -simt::kInfinity : x;
    }
    FATTN_DEVICE int32_t token(int32_t entry) const {
      return entry < count ? tokens[entry] : seen + (entry - count);
    }
    /// Of entries behind the end 0, which is no score's.
    FATTN_DEVICE uint32_t rank(int32_t entry) const {
      return entry < all ? ordered(score(entry)) : 0;
    }
  };

  /// Scores of greater rank stay, and of that rank the first `ties`.
  struct Threshold {
    uint32_t rank;
    int32_t ties;
  };

  /// Bits in the order of the numbers; the two zeros are one number.
  FATTN_DEVICE static uint32_t ordered(float x) {
    uint32_t const bits = simt::bits_of(x + 0.0f);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
  }

  /// Of more than `keep` entries. All threads.
  FATTN_DEVICE static Threshold keep_th_best(List const& list, int32_t keep,
                                             simt::Shared<int32_t> shared) {
    uint32_t rank = 0;  // the upper bits of the keep-th best, and zeros
    int32_t above = 0;  // entries with greater upper bits
    for (int shift = 30; shift >= 0; shift -= 2) {
      // Two halves take turns: before one is written again all have met once more.
      simt::Shared<int32_t> const counts = shared + shift / 2 % 2 * (kWarps * kDigits);
      int32_t found[kDigits];
      count_from(list, rank, shift, found);
      FATTN_UNROLL for (int digit = 0; digit < kDigits; ++digit) {
        int32_t const of_warp = simt::reduce_add(found[digit]);
        if (simt::lane_index() == 0) counts.store(simt::warp_index() * kDigits + digit, of_warp);
      }
      simt::sync_block();
      uint32_t chosen = 0;
      for (int digit = kDigits; digit > 0 && chosen == 0; --digit) {
        int32_t total = 0;
        for (int warp = 0; warp < kWarps; ++warp) total += counts.load(warp * kDigits + digit - 1);
        if (total == keep) return {(rank | static_cast<uint32_t>(digit) << shift) - 1, 0};
        if (total > keep)
          chosen = static_cast<uint32_t>(digit);
        else
          above = total;
      }
      rank |= chosen << shift;
    }
    return {rank, keep - above};
  }

  /// Of this thread's entries, how many have at least the rank with digit 1, 2 or 3 at `shift`.
  FATTN_DEVICE static void count_from(List const& list, uint32_t rank, int shift,
                                      int32_t (&found)[kDigits]) {
    FATTN_UNROLL for (int digit = 0; digit < kDigits; ++digit) found[digit] = 0;
    for (int32_t entry = simt::thread_index(); entry < list.all; entry += kThreads) {
      uint32_t const own = list.rank(entry);
      FATTN_UNROLL for (int digit = 0; digit < kDigits; ++digit) {
        uint32_t const least = rank | static_cast<uint32_t>(digit + 1) << shift;
        found[digit] += own >= least ? 1 : 0;
      }
    }
  }

  /// Moves what stays to the front, kThreads entries at a time: none moves back, so that all of
  /// them have been read before one is overwritten. All threads.
  FATTN_DEVICE static void keep_best(List const& list, Threshold const& least,
                                     simt::Shared<int32_t> shared) {
    int32_t greater = 0, equal = 0;  // entries in front of these
    for (int32_t first = 0; first < list.all; first += kThreads) {
      int32_t const entry = first + simt::thread_index();
      uint32_t const own = list.rank(entry);
      bool const is_greater = own > least.rank, is_equal = own == least.rank && own != 0;
      float const score = entry < list.all ? list.score(entry) : 0;
      int32_t const token = entry < list.all ? list.token(entry) : 0;

      uint32_t const all_greater = simt::ballot(is_greater), all_equal = simt::ballot(is_equal);
      uint32_t const below = (uint32_t{1} << simt::lane_index()) - 1;
      int32_t own_greater = greater + simt::count_ones(all_greater & below);
      int32_t own_equal = equal + simt::count_ones(all_equal & below);
      simt::Shared<int32_t> const totals = shared + first / kThreads % 2 * (2 * kWarps);
      if (simt::lane_index() == 0) {
        totals.store(simt::warp_index(), simt::count_ones(all_greater));
        totals.store(kWarps + simt::warp_index(), simt::count_ones(all_equal));
      }
      simt::sync_block();
      for (int warp = 0; warp < kWarps; ++warp) {
        int32_t const of_greater = totals.load(warp), of_equal = totals.load(kWarps + warp);
        if (warp < simt::warp_index()) {
          own_greater += of_greater;
          own_equal += of_equal;
        }
        greater += of_greater;
        equal += of_equal;
      }
      if (!is_greater && !(is_equal && own_equal < least.ties)) continue;
      int32_t const place = own_greater + (own_equal < least.ties ? own_equal : least.ties);
      list.tokens[place] = token;
      list.kept[place] = score;
    }
  }
};

}  // namespace fattn
