// Values that are NaN or infinite, in tiles that some row does not see whole. A weight of 0 does
// not keep them away from a row (0 times NaN is NaN), so they are taken out of the tile, and it is
// noted which outputs of the rows that do see them they spoil in the end. Rare: a tile pays for a
// look at its values, and only one that has such values for the rest.
//
// Of each column of the tile two sets of keys are kept, a bit per key: those whose value drives the
// output to +inf, and those that drive it to -inf. NaN is in both, as inf - inf is NaN.
#pragma once

#include "kernels/attention/mma16/weights.h"
#include "kernels/mma16/copy.h"

namespace fattn::mma16 {

/// The exponent bits of an element, all ones in NaN and infinity.
template <class Element>
constexpr uint32_t kExponentBits = 0x7f80;
template <>
constexpr uint32_t kExponentBits<simt::F16> = 0x7c00;

/// Whether one of the values that this thread copied is not finite. Its copies have landed.
template <class Traits>
FATTN_DEVICE bool copied_nonfinite(simt::SharedMemory memory) {
  using Share = CopyShare<Traits::kThreads, Traits::kHeadDim>;
  constexpr uint32_t kExponent = kExponentBits<typename Traits::Element> * 0x10001u;
  // The lowest bit of the exponent: added to one of all ones it carries into the sign.
  constexpr uint32_t kLowest = kExponent & ~(kExponent << 1);
  Share const share;
  PanelChunk<Traits::kBlockN> const own(memory, Traits::kValue, share.row, share.chunk);
  uint32_t carries = 0;
  FATTN_ROLLED_DEVICE for (int row = 0; row < Traits::kBlockN; row += Share::kStep)
      FATTN_UNROLL_DEVICE for (int panel = 0; panel < Traits::kPanels;
                               ++panel) if (share.in_operand(panel)) {
    simt::Quad const values = own.at(row, panel * 4).load();
    FATTN_UNROLL_DEVICE for (int w = 0; w < 4; ++w) carries |=
        (values.word[w] & kExponent) + kLowest;
  }
  return (carries & 0x80008000u) != 0;
}

/// Tells the other warps; they can know after a barrier.
template <class Traits>
FATTN_DEVICE void report_nonfinite(simt::SharedMemory memory) {
  bool const found = simt::any_lane(copied_nonfinite<Traits>(memory));
  Place const place;
  if (place.lane == 0) memory.at<uint32_t>(Traits::kFlags).store(place.warp, found ? 1 : 0);
}

/// Whether any warp has found one, the same for all threads.
template <class Traits>
FATTN_DEVICE bool reported_nonfinite(simt::SharedMemory memory) {
  auto const flags = memory.at<uint32_t>(Traits::kFlags);
  int const lane = Place().lane;
  return simt::any_lane(lane < Traits::kWarps && flags.load(lane) != 0);
}

/// The sets of one column, in words of 32 keys.
template <class Traits>
struct ColumnSets {
  simt::Shared<uint32_t> words;

  FATTN_DEVICE ColumnSets(simt::SharedMemory memory, int column)
      : words(memory.at<uint32_t>(Traits::kNonfinite) + column * 2 * Traits::kKeyWords) {}
  FATTN_DEVICE simt::Shared<uint32_t> plus() const { return words; }
  FATTN_DEVICE simt::Shared<uint32_t> minus() const { return words + Traits::kKeyWords; }
};

/// Replaces the values of the tile that are not finite by 0 and enters them in the sets of their
/// columns. A thread does whole columns; the others' are there after a barrier.
template <class Traits>
FATTN_DEVICE void take_out_nonfinite(simt::SharedMemory memory) {
  constexpr uint32_t kExponent = kExponentBits<typename Traits::Element>;
  FATTN_ROLLED_DEVICE for (int column = simt::thread_index(); column < Traits::kHeadDim;
                           column += Traits::kThreads) {
    ColumnSets<Traits> const sets(memory, column);
    FATTN_ROLLED_DEVICE for (int word = 0; word < Traits::kKeyWords; ++word) {
      uint32_t plus = 0, minus = 0;
      FATTN_ROLLED_DEVICE for (int bit = 0; bit < 32; ++bit) {
        PanelChunk<Traits::kBlockN> const chunk(memory, Traits::kValue, 32 * word + bit,
                                                column / 8 % 8);
        auto const value = chunk.at(0, column / 64 * 4).template as<uint16_t>() + column % 8;
        uint32_t const bits = value.load();
        if ((bits & kExponent) != kExponent) continue;
        bool const nan = (bits & 0x7fff) != kExponent;
        bool const negative = (bits & 0x8000) != 0;
        if (nan || !negative) plus |= 1u << bit;
        if (nan || negative) minus |= 1u << bit;
        value.store(0, 0);
      }
      sets.plus().store(word, plus);
      sets.minus().store(word, minus);
    }
  }
}

/// The keys that a row sees, those with scores above -inf, in words of 32 keys.
template <class Traits>
FATTN_DEVICE simt::Shared<uint32_t> seen_keys(simt::SharedMemory memory, int row) {
  return memory.at<uint32_t>(Traits::kSeen) + row * Traits::kKeyWords;
}

/// Finds them, and puts them down for the lanes of this warp to know after `sync_warp`. The scores
/// of a row are spread over a quad of lanes.
template <class Traits>
FATTN_DEVICE void publish_seen_keys(Scores<Traits> const& scores, simt::SharedMemory memory) {
  Place const place;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half)
          FATTN_UNROLL_DEVICE for (int word = 0; word < Traits::kKeyWords; ++word) {
    uint32_t seen = 0;
    FATTN_UNROLL_DEVICE for (int n = 0; n < 4; ++n)
        FATTN_UNROLL_DEVICE for (int e = 0; e < 2;
                                 ++e) if (scores.at[s][4 * word + n][2 * half + e] !=
                                          -simt::kInfinity) seen |= 1u << column_after(n, e);
    seen <<= place.first_column();
    seen |= simt::shuffle_xor(seen, 1);
    seen |= simt::shuffle_xor(seen, 2);
    if (place.first_of_row())
      seen_keys<Traits>(memory, place.row<Traits>(s, half)).store(word, seen);
  }
}

/// The columns of a row whose output is driven to +inf, and to -inf: a bit each, in words of 32.
template <class Traits>
struct SpoiltColumns {
  simt::Shared<uint32_t> words;

  FATTN_DEVICE SpoiltColumns(simt::SharedMemory memory, int row)
      : words(memory.at<uint32_t>(Traits::kSpoilt) + row * 2 * Traits::kColumnWords) {}
  FATTN_DEVICE simt::Shared<uint32_t> plus() const { return words; }
  FATTN_DEVICE simt::Shared<uint32_t> minus() const { return words + Traits::kColumnWords; }
};

/// Notes which outputs of the warp's rows are spoilt by what they see of the values taken out. The
/// first tile that has such values says so, as there is no note before.
template <class Traits>
FATTN_DEVICE void note_spoilt(Scores<Traits> const& scores, simt::SharedMemory memory, bool noted) {
  publish_seen_keys<Traits>(scores, memory);
  simt::sync_warp();  // each lane reads those of all rows of the warp
  Place const place;
  FATTN_ROLLED_DEVICE for (int word = 0; word < Traits::kColumnWords; ++word) {
    ColumnSets<Traits> const sets(memory, 32 * word + place.lane);
    FATTN_ROLLED_DEVICE for (int r = 0; r < Traits::kWarpRows; ++r) {
      int const row = place.warp * Traits::kWarpRows + r;
      uint32_t plus = 0, minus = 0;
      FATTN_UNROLL_DEVICE for (int keys = 0; keys < Traits::kKeyWords; ++keys) {
        uint32_t const seen = seen_keys<Traits>(memory, row).load(keys);
        plus |= seen & sets.plus().load(keys);
        minus |= seen & sets.minus().load(keys);
      }
      plus = simt::ballot(plus != 0);
      minus = simt::ballot(minus != 0);
      if (place.lane != 0) continue;
      SpoiltColumns<Traits> const columns(memory, row);
      columns.plus().store(word, plus | (noted ? columns.plus().load(word) : 0));
      columns.minus().store(word, minus | (noted ? columns.minus().load(word) : 0));
    }
  }
}

/// Spoils the outputs as noted.
template <class Traits>
FATTN_DEVICE void spoil(Accumulators<Traits>& acc, simt::SharedMemory memory) {
  simt::sync_warp();  // lane 0 has noted them
  Place const place;
  FATTN_UNROLL_DEVICE for (int s = 0; s < Traits::kStrips; ++s)
      FATTN_UNROLL_DEVICE for (int half = 0; half < 2; ++half) {
    SpoiltColumns<Traits> const columns(memory, place.row<Traits>(s, half));
    FATTN_UNROLL_DEVICE for (int word = 0; word < Traits::kColumnWords; ++word) {
      uint32_t const plus = columns.plus().load(word) >> place.first_column();
      uint32_t const minus = columns.minus().load(word) >> place.first_column();
      FATTN_UNROLL_DEVICE for (int n = 0; n < 4; ++n)
          FATTN_UNROLL_DEVICE for (int e = 0; e < 2; ++e) {
        float& out = acc.out[s][4 * word + n][2 * half + e];
        if (plus >> column_after(n, e) & 1) out += simt::kInfinity;
        if (minus >> column_after(n, e) & 1) out -= simt::kInfinity;
      }
    }
  }
}

}  // namespace fattn::mma16
