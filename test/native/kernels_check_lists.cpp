// What the device finds wrong with lists of keys: the first mistake in the order of the CPU, which
// mistake, and where.

#include "kernels/sparse/check_lists.h"
#include "kernels_fixture.h"

namespace fattn::test {
namespace {

/// Runs both kernels; `workers` of the checking one, `per_block` to the block.
template <class Check>
IndexReport check_with(CheckListsParams p, int64_t workers, int64_t per_block,
                       EmulationOptions const& options) {
  std::vector<IndexReport> mistakes(static_cast<size_t>(p.lists));
  p.mistakes = mistakes.data();
  emulate<Check>(p, options, grid_of(workers, per_block));
  IndexReport report{};
  report.failed = -1;
  int32_t failed = -1;
  ReportListsParams const found{mistakes.data(), p.lists, &report, &failed};
  emulate<ReportLists>(found, options, {1, 1, 1});
  expect_equal(failed, report.failed, "what kernels are told");
  return report;
}

struct Blocks {
  int heads = 1, query_blocks = 2, key_blocks = 100, workers = 3;
  std::vector<int32_t> offsets[2], indices[2];  // full, partial

  IndexReport check(EmulationOptions const& options) const {
    CheckListsParams p{};
    p.heads = heads, p.query_blocks = query_blocks, p.key_blocks = key_blocks;
    p.workers = workers;
    for (int kind : {0, 1}) {
      if (offsets[kind].empty()) continue;
      int const head = query_blocks + 1;
      p.lists = static_cast<int>(offsets[kind].size()) / head * query_blocks;
      (kind == 0 ? p.full : p.partial) = {offsets[kind].data(),
                                          heads * head,
                                          head,
                                          1,
                                          indices[kind].data(),
                                          1,
                                          static_cast<int32_t>(indices[kind].size())};
    }
    Guarded<int32_t> listed(int64_t{workers} * key_blocks);
    p.listed = listed.data();
    auto const report = check_with<CheckBlockLists>(p, workers, CheckBlockLists::kWorkers, options);
    listed.expect_guards();
    return report;
  }
};

void expect_found(IndexReport const& found, KeyLists lists, IndexMistake mistake, int position,
                  int value, Where where = Where::current()) {
  expect_equal(found.failed, 1, "failed", where);
  expect(found.lists == lists && found.mistake == mistake, "which mistake", where);
  expect_equal(found.position, position, "position", where);
  expect_equal(found.value, value, "value", where);
}

/// 2 sequences, 3 heads, 2 blocks of queries: more lists than workers, each of 40 blocks.
Blocks many() {
  Blocks blocks;
  blocks.heads = 3;
  for (int list = 0; list < 12; ++list) {
    if (list % 2 == 0) blocks.offsets[1].push_back(40 * list);
    blocks.offsets[1].push_back(40 * (list + 1));
    for (int i = 0; i < 40; ++i) blocks.indices[1].push_back((7 * i + list) % 100);
  }
  return blocks;
}

}  // namespace

TEST(kernels_check_lists_passes_what_is_well_formed) {
  for_some_schedules([](EmulationOptions const& options) {
    Blocks blocks = many();
    expect_equal(blocks.check(options).failed, 0, "the same block in many lists");
    blocks.offsets[0] = blocks.offsets[1];
    blocks.indices[0] = blocks.indices[1];
    for (int32_t& block : blocks.indices[0]) block = block == 99 ? 0 : block + 1;
    // 7 i + list and 7 i + list + 1 never meet for 40 consecutive i modulo 100, of which 7 has the
    // inverse 43.
    expect_equal(blocks.check(options).failed, 0, "full and partial");
  });
}

TEST(kernels_check_lists_finds_the_first_mistake) {
  for_some_schedules([](EmulationOptions const& options) {
    Blocks blocks = many();
    blocks.indices[1][475] = 100;
    expect_found(blocks.check(options), KeyLists::kPartial, IndexMistake::kOutside, 475, 100);
    blocks.indices[1][333] = blocks.indices[1][322];
    expect_found(blocks.check(options), KeyLists::kPartial, IndexMistake::kTwice, 333,
                 blocks.indices[1][322]);
    blocks.indices[1][319] = blocks.indices[1][281];  // 38 places before: of an earlier step
    expect_found(blocks.check(options), KeyLists::kPartial, IndexMistake::kTwice, 319,
                 blocks.indices[1][281]);
    blocks.indices[1][5] = -1;
    expect_found(blocks.check(options), KeyLists::kPartial, IndexMistake::kOutside, 5, -1);
  });
}

TEST(kernels_check_lists_finds_a_block_in_both_lists) {
  for_some_schedules([](EmulationOptions const& options) {
    Blocks blocks;
    blocks.offsets[0] = {0, 2, 3}, blocks.indices[0] = {4, 5, 6};
    blocks.offsets[1] = {0, 1, 3}, blocks.indices[1] = {6, 4, 6};
    expect_found(blocks.check(options), KeyLists::kPartial, IndexMistake::kTwice, 2, 6);
  });
}

TEST(kernels_check_lists_finds_offsets_that_are_no_range) {
  for_some_schedules([](EmulationOptions const& options) {
    for (auto const& [middle, end] : {std::pair{2, 1}, {INT32_MAX, 3}, {2, 4}, {2, INT32_MAX}}) {
      Blocks blocks;
      blocks.offsets[1] = {0, middle, end}, blocks.indices[1] = {0, 1, 2};
      IndexReport const found = blocks.check(options);
      int const list = middle > 3 ? 0 : 1;
      expect_found(found, KeyLists::kPartial, IndexMistake::kFalling, list, list == 0 ? 0 : 2);
      expect_equal(found.most, list == 0 ? middle : end);
      expect_equal(found.least, 3, "indices");
    }
    Blocks negative;
    negative.offsets[0] = {-1, 0, 0}, negative.indices[0] = {0};
    expect_found(negative.check(options), KeyLists::kFull, IndexMistake::kFalling, 0, -1);
  });
}

TEST(kernels_check_lists_of_kept_tokens) {
  constexpr int kLists = 6, kMost = 70, kKeys = 500;
  for_some_schedules([](EmulationOptions const& options) {
    Guarded<int32_t> tokens(kLists * (kMost + 1));
    for (int64_t i = 0; i < tokens.size(); ++i) tokens[i] = i % kKeys;
    auto const at = [&](int list, int place) -> int32_t& {
      return tokens[int64_t{list} * (kMost + 1) + place];
    };
    for (int list = 0; list < kLists; ++list) at(list, 0) = list == 2 ? 10 : 1000 + list;
    CheckListsParams p{};
    p.lists = kLists, p.keys = kKeys;
    p.kept = {tokens.data(), kMost};
    auto const check = [&] {
      return check_with<CheckKeptTokens>(p, kLists, CheckKeptTokens::kLists, options);
    };
    at(2, 11) = -5;  // behind the ten that there are
    expect_equal(check().failed, 0, "well formed");
    at(5, 0) = -3;
    expect_found(check(), KeyLists::kKept, IndexMistake::kCount, 0, -3);
    at(4, 70) = kKeys;
    expect_found(check(), KeyLists::kKept, IndexMistake::kToken, 0, kKeys);
    at(4, 40) = INT32_MIN;
    expect_found(check(), KeyLists::kKept, IndexMistake::kToken, 0, INT32_MIN);
  });
}

}  // namespace fattn::test
