// Whether lists that users wrote are well formed. The kernels that follow come to no harm whatever
// lists hold; here it is found out whether what they compute means anything. One warp per list
// finds the first mistake of it, one block the first of all, so that it is the one that the CPU
// finds.
#pragma once

#include "kernels/attention/prepare.h"
#include "kernels/sparse/params.h"

namespace fattn {

struct CheckListsParams {
  int32_t heads, sequences;
  int32_t lists;          // of all heads and sequences together
  IndexReport* mistakes;  // [lists]
  KeptTokens kept;
  int32_t keys;  // that there are
  BlockListRows full, partial;
  int32_t query_blocks, key_blocks;
  int32_t workers;  // warps that share the lists of blocks
  int32_t* listed;  // [workers][key_blocks]: the last list that had a block
};

/// The grid has one axis: kLists lists to the block.
struct CheckKeptTokens {
  using Params = CheckListsParams;
  static constexpr int kLists = 4;
  static constexpr int kThreads = simt::kWarpSize * kLists;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const list = static_cast<int32_t>(simt::block_index().x) * kLists + simt::warp_index();
    if (list >= p.lists) return;
    int32_t const* const tokens = p.kept.data + list * (int64_t{p.kept.most} + 1);
    IndexReport found{};
    found.lists = KeyLists::kKept;
    found.most = p.keys;
    found.value = tokens[0];
    if (found.value < 0) {
      found.failed = 1;
      found.mistake = IndexMistake::kCount;
    }
    int32_t const count = found.value < p.kept.most ? found.value : p.kept.most;
    for (int32_t step = 0; step < count && !found.failed; step += simt::kWarpSize) {
      int32_t const place = step + simt::lane_index();
      int32_t const token = place < count ? tokens[1 + place] : 0;
      uint32_t const wrong = simt::ballot(place < count && (token < 0 || token >= p.keys));
      if (wrong == 0) continue;
      found.failed = 1;
      found.mistake = IndexMistake::kToken;
      found.value = simt::shuffle(token, lowest(wrong));
    }
    if (simt::lane_index() == 0) p.mistakes[list] = found;
  }

  /// Number of the lowest bit that is set; one is.
  FATTN_DEVICE static int lowest(uint32_t bits) {
    int number = 0;
    while ((bits >> number & 1) == 0) ++number;
    return number;
  }
};

/// The grid has one axis: kWorkers of the workers to the block. Each does every workers-th list.
struct CheckBlockLists {
  using Params = CheckListsParams;
  static constexpr int kWorkers = 4;
  static constexpr int kThreads = simt::kWarpSize * kWorkers;
  static constexpr int kMinBlocks = 8;
  static constexpr int kSharedBytes = 0;

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory) {
    int32_t const worker =
        static_cast<int32_t>(simt::block_index().x) * kWorkers + simt::warp_index();
    if (worker >= p.workers) return;
    int32_t* const listed = p.listed + int64_t{worker} * p.key_blocks;
    for (int32_t i = simt::lane_index(); i < p.key_blocks; i += simt::kWarpSize) listed[i] = -1;
    simt::sync_warp();
    for (int64_t list = worker; list < p.lists; list += p.workers) {
      IndexReport found{};
      check(p, p.full, KeyLists::kFull, static_cast<int32_t>(list), listed, found);
      if (!found.failed)
        check(p, p.partial, KeyLists::kPartial, static_cast<int32_t>(list), listed, found);
      if (simt::lane_index() == 0) p.mistakes[list] = found;
    }
  }

 private:
  FATTN_DEVICE static void check(Params const& p, BlockListRows const& rows, KeyLists lists,
                                 int32_t list, int32_t* listed, IndexReport& found) {
    if (!rows.offsets) return;
    int32_t const n = list % p.query_blocks, head = list / p.query_blocks % p.heads;
    int32_t const b = list / p.query_blocks / p.heads;
    int32_t const* const offsets =
        rows.offsets + b * rows.batch + head * rows.head + n * rows.block;
    int32_t const begin = offsets[0], end = offsets[rows.block];
    found.lists = lists;
    if (begin < 0 || end < begin || end > rows.index_count) {
      found = {1,   IndexTensor::kCount,    n,     begin, rows.index_count,
               end, IndexMistake::kFalling, lists, b,     head};
      return;
    }
    for (int32_t step = begin; step < end && !found.failed; step += simt::kWarpSize)
      check_step(p, rows, list, step, end, listed, found);
  }

  /// 32 entries of a list, one per lane.
  FATTN_DEVICE static void check_step(Params const& p, BlockListRows const& rows, int32_t list,
                                      int32_t step, int32_t end, int32_t* listed,
                                      IndexReport& found) {
    int const lane = simt::lane_index();
    int32_t const at = step + lane;
    bool const there = at < end;
    int32_t const block = there ? rows.indices[at * rows.index] : -1;
    bool const outside = there && (block < 0 || block >= p.key_blocks);
    bool twice = there && !outside && listed[block] == list;
    for (int lower = 0; lower < simt::kWarpSize - 1; ++lower) {
      int32_t const other = simt::shuffle(block, lower);
      twice |= there && lane > lower && other == block;
    }
    uint32_t const wrong = simt::ballot(outside || twice);
    if (wrong != 0) {
      int const first = CheckKeptTokens::lowest(wrong);
      found.failed = 1;
      found.position = step + first;
      found.value = simt::shuffle(block, first);
      found.most = p.key_blocks - 1;
      bool const is_outside = simt::shuffle(outside ? 1 : 0, first) != 0;
      found.mistake = is_outside ? IndexMistake::kOutside : IndexMistake::kTwice;
      return;
    }
    simt::sync_warp();  // every lane has looked its block up
    if (there) listed[block] = list;
    simt::sync_warp();
  }
};

struct ReportListsParams {
  IndexReport const* mistakes;  // [lists]
  int32_t lists;
  IndexReport* report;
  int32_t* failed;  // for the kernels that follow
};

/// One block.
struct ReportLists {
  using Params = ReportListsParams;
  static constexpr int kThreads = 256;
  static constexpr int kMinBlocks = 1;
  static constexpr int kSharedBytes = 4 * (kThreads / simt::kWarpSize);

  FATTN_DEVICE static void run(Params const& p, simt::SharedMemory memory) {
    int32_t own = INT32_MAX;
    for (int32_t list = simt::thread_index(); list < p.lists && own == INT32_MAX; list += kThreads)
      if (p.mistakes[list].failed) own = list;
    int32_t const first = PrepareIndices::block_min(own, memory.at<int32_t>(0));
    if (simt::thread_index() != 0) return;
    *p.failed = first != INT32_MAX ? 1 : 0;
    if (first != INT32_MAX)
      *p.report = p.mistakes[first];
    else
      p.report->failed = 0;
  }
};

}  // namespace fattn
