// Shape of one thread block of the mma16 attention kernel: constants, types and shared memory, no
// code. The kernel multiplies 16-bit matrices with mma.sync.m16n8k16 (sm_80 and later).
//
// A warp has strips of 16 query rows. Each ldmatrix of K or V feeds two products per strip, so that
// with one strip shared memory delivers 256 bytes per product, 2 cycles of its bandwidth, which is
// what the tensor cores of sm_80 take for it and more than those of sm_90 do. With two strips it is
// half of that: hence two wherever the accumulators fit.
//
// Two blocks of four warps share a multiprocessor, at head dims above 128 one block of eight: with
// 2 KB to 9 KB for what is kept of rows it takes 75 KB at head dim 128 and 146 KB at 256, more than
// a block may have on sm_86 and sm_89.
#pragma once

#include <type_traits>

#include "kernels/attention/keys.h"
#include "kernels/attention/mma16/record.h"
#include "kernels/attention/mma16/tiles.h"
#include "kernels/attention/schedule.h"
#include "kernels/attention/score.h"
#include "kernels/attention/softmax.h"
#include "kernels/sparse/source.h"

namespace fattn::mma16 {

/// What is kept of a query row of the tile.
struct RowFacts {
  KeyLimits limits;  // within the key range of the block
  int32_t query;     // -1: the sequence has no such row
  int64_t q;         // elements from the start of q to the row
  int64_t out;       // the same of out
};

/// What is kept of all rows, for the lanes of one warp.
template <class Tiles>
struct BlockFacts {
  RowBlockLimits limits;
  Tiles tiles;
};

template <class Element_, int kHeadDim_, bool kGeneral_, bool kGathered_ = false>
struct Traits {
  using Element = Element_;                      // of q, k, v and out
  static constexpr int kHeadDim = kHeadDim_;     // head_dim and head_dim_v, both padded with zeros
  static constexpr bool kGeneral = kGeneral_;    // scores are reshaped one by one: see reshape.h
  static constexpr bool kGathered = kGathered_;  // keys lie anywhere: see gathered.h

  static constexpr int kStrips = kHeadDim > 128 || kGeneral ? 1 : 2;  // of 16 rows, per warp
  static constexpr int kWarps = kHeadDim > 128 ? 8 : 4;
  static constexpr int kWarpRows = 16 * kStrips;
  static constexpr int kBlockM = kWarps * kWarpRows;  // query rows
  // Keys per step.
  static constexpr int kBlockN = kHeadDim <= 64 && !kGeneral && !kGathered ? 128 : 64;
  static constexpr int kThreads = 32 * kWarps;
  static constexpr int kMinBlocks = kHeadDim > 128 ? 1 : 2;  // 255 registers per thread

  // Operands lie in panels 64 elements (128 bytes) wide: see panel.h.
  static constexpr int kPanels = (kHeadDim + 63) / 64;
  static constexpr int kQueryBytes = kBlockM * kPanels * 128;
  static constexpr int kKeyBytes = kBlockN * kPanels * 128;
  static constexpr int kKeyWords = kBlockN / 32;      // of sets of keys of a tile, a bit each
  static constexpr int kColumnWords = kHeadDim / 32;  // of sets of columns

  using Keys = ContiguousKeys<Element>;
  using Tiles = std::conditional_t<kGathered, PlaceTiles, KeyTiles<kBlockN>>;
  using Facts = BlockFacts<Tiles>;

  // Shared memory, in bytes from its start.
  static constexpr int kQuery = 0;  // the queries, and in the end the outputs
  static constexpr int kKey = kQuery + kQueryBytes;
  static constexpr int kValue = kKey + kKeyBytes;
  static constexpr int kTile = kValue + kKeyBytes;                             // WorkTile
  static constexpr int kSources = kTile + SharedRecord<WorkTile>::kBytes;      // Keys: keys, values
  static constexpr int kRowFacts = kSources + 2 * SharedRecord<Keys>::kBytes;  // RowFacts [kBlockM]
  static constexpr int kScoreRows = kRowFacts + kBlockM * SharedRecord<RowFacts>::kBytes;
  // ScoreRow [kBlockM], where there is anything to reshape
  static constexpr int kWarpLimits =
      kScoreRows + (kGeneral ? kBlockM * SharedRecord<ScoreRow>::kBytes : 0);
  // RowBlockLimits [kWarps], of each warp's rows
  static constexpr int kBlockFacts = kWarpLimits + kWarps * SharedRecord<RowBlockLimits>::kBytes;
  // Facts [kWarps], all the same
  static constexpr int kFlags = kBlockFacts + kWarps * SharedRecord<Facts>::kBytes;
  // For nonfinite.h, uint32_t: [kWarps], [kHeadDim][2][kKeyWords], [kBlockM][kKeyWords] and
  // [kBlockM][2][kColumnWords]
  static constexpr int kNonfinite = kFlags + kWarps * 4;
  static constexpr int kSeen = kNonfinite + kHeadDim * 2 * kKeyWords * 4;
  static constexpr int kSpoilt = kSeen + kBlockM * kKeyWords * 4;
  // For gathered.h: KeySource, ScoredKey [2][kBlockN], their tokens, int32_t, and those [kBlockN]
  // of the tile after the next
  static constexpr int kKeySource = kSpoilt + kBlockM * 2 * kColumnWords * 4;
  static constexpr int kScoredKeys = kKeySource + (kGathered ? SharedRecord<KeySource>::kBytes : 0);
  static constexpr int kGatheredTokens = kScoredKeys + (kGathered ? 2 * kBlockN * 8 : 0);
  static constexpr int kTokensAhead = kGatheredTokens + (kGathered ? 2 * kBlockN * 4 : 0);
  static constexpr int kSharedBytes = kTokensAhead + (kGathered ? kBlockN * 4 : 0);

  static_assert(kKeySource % 16 == 0, "records are moved 16 bytes at a time");
  static_assert(sizeof(Element) == 2, "mma.sync multiplies f16 or bf16; f32 goes to simple/");
  static_assert(kHeadDim % 32 == 0 && kHeadDim <= 256, "beyond, accumulators would spill");
  static_assert((kSharedBytes + 1024) * kMinBlocks <= 164 * 1024, "a multiprocessor of sm_80");
};

/// What a warp keeps of its rows from the first key to the last. Of strip s lane l holds rows l/4
/// and l/4 + 8 (fragments.h); their sums are the lane's own until the end.
template <class Traits>
struct Accumulators {
  float out[Traits::kStrips][Traits::kHeadDim / 8][4];
  SoftmaxState row[Traits::kStrips][2];
};

/// Scores of a warp's rows and the keys of a tile, as the products leave them.
template <class Traits>
struct Scores {
  float at[Traits::kStrips][Traits::kBlockN / 8][4];
};

}  // namespace fattn::mma16
