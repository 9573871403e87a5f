// Makes the ranking of lists of keys: SortKeys the lower levels, in shared memory, MergeKeys one
// more level at a time.
#pragma once

#include "kernels/dynamic_mask/params.h"
#include "kernels/dynamic_mask/ranking.h"

namespace fattn {

struct SortKeysParams {
  KeyScoreValues scores;
  KeyRanking ranking;   // written, up to level kLevels
  int32_t heads;        // of the lists, which are [batch][heads]
  int32_t list_chunks;  // blocks of a list
};

/// The grid has one axis of list_chunks blocks per list.
struct SortKeys {
  using Params = SortKeysParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kLevels = 10;
  static constexpr int kChunk = 1 << kLevels;
  static constexpr int kSharedBytes = 2 * kChunk * static_cast<int>(sizeof(RankedKey));

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int32_t const block = static_cast<int32_t>(simt::block_index().x);
    int32_t const list = block / p.list_chunks, first = block % p.list_chunks * kChunk;
    int32_t const rest = p.ranking.keys - first, count = rest < kChunk ? rest : kChunk;
    simt::Shared<RankedKey> from = memory.at<RankedKey>(0), to = from + kChunk;
    load(p, list, first, count, from);
    for (int32_t level = 1; level <= kLevels && level <= p.ranking.levels; ++level) {
      simt::sync_block();  // the halves are there, and what lay in place of the result is used
      MergeWord* const words = p.ranking.words_of(list, level) + first / simt::kWarpSize;
      for (int32_t place = simt::thread_index(); place < rounded_up(count); place += kThreads)
        merge(level, place, count, words, from, to);
      simt::Shared<RankedKey> const merged = to;
      to = from;
      from = merged;
    }
    // Each thread reads what it wrote.
    RankedKey* const order = p.ranking.order_of(list) + first;
    for (int32_t place = simt::thread_index(); place < count; place += kThreads)
      order[place] = from.load(place);
  }

 private:
  /// So that the lanes of a warp come along with those whose places exist.
  FATTN_DEVICE static int32_t rounded_up(int32_t count) {
    return (count + simt::kWarpSize - 1) / simt::kWarpSize * simt::kWarpSize;
  }

  FATTN_DEVICE static void load(Params const& p, int32_t list, int32_t first, int32_t count,
                                simt::Shared<RankedKey> to) {
    float const* const scores = p.scores.data + list / p.heads * p.scores.batch +
                                list % p.heads * p.scores.head + first * p.scores.key;
    for (int32_t place = simt::thread_index(); place < count; place += kThreads) {
      float const score = scores[place * p.scores.key];
      to.store(place, {simt::is_nan(score) ? -simt::kInfinity : score, first + place});
    }
  }

  FATTN_DEVICE static void merge(int32_t level, int32_t place, int32_t count, MergeWord* words,
                                 simt::Shared<RankedKey> from, simt::Shared<RankedKey> to) {
    MergeNode const node = merge_node(level, place, count);
    simt::Shared<RankedKey> const halves = from + (place - node.place);
    int32_t const source = merge_place(node, words[place / simt::kWarpSize],
                                       [&](int32_t i) { return halves.load(i).score; });
    if (source >= 0) to.store(place, halves.load(source));
  }
};

struct MergeKeysParams {
  RankedKey const* from;  // [lists][keys]: the level below
  KeyRanking ranking;     // its order and the words of the level are written
  int32_t level;          // above SortKeys::kLevels
  int32_t list_blocks;
};

/// The grid has one axis of list_blocks blocks of kThreads places per list.
struct MergeKeys {
  using Params = MergeKeysParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 4;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const block = static_cast<int32_t>(simt::block_index().x);
    int32_t const list = block / p.list_blocks;
    int32_t const place = block % p.list_blocks * kThreads + simt::thread_index();
    if (place - simt::lane_index() >= p.ranking.keys) return;
    MergeNode const node = merge_node(p.level, place, p.ranking.keys);
    RankedKey const* const halves = p.from + int64_t{list} * p.ranking.keys + (place - node.place);
    MergeWord* const words = p.ranking.words_of(list, p.level);
    int32_t const source = merge_place(node, words[place / simt::kWarpSize],
                                       [&](int32_t i) { return halves[i].score; });
    if (source >= 0) p.ranking.order_of(list)[place] = halves[source];
  }
};

}  // namespace fattn
