#include "backends/gpu/sparse_choice.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "kernels/attention/schedule.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kLeastWorkingBytes = int64_t{1} << 20;
constexpr int64_t kLeastListRows = 64;  // fewer have little less keys in their lists
constexpr int64_t kMostChunks = 128;

int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Tiles of `rows` rows of one (sequence, group of `pack` heads); packed: of all sequences.
int64_t tiles_of(AttentionDesc const& desc, int32_t pack, int64_t rows) {
  return desc.packed ? most_row_tiles(desc.seq_q, desc.batch + 1, pack, static_cast<int32_t>(rows))
                     : divided_up(desc.seq_q * pack, rows);
}

/// Keys that the lists of a call have at most, as far as is known.
int64_t most_places(AttentionDesc const& desc, NamedKeys const& keys, SparseCut const& cut) {
  if (keys.keep == 0) return desc.seq_kv;
  if (keys.naming != KeyNaming::kIntervals) return std::min(desc.seq_kv, keys.keep);
  // What the first query of a list keeps, and one more for each that follows. Its rows may begin
  // within a query.
  int64_t const queries = std::min(desc.seq_q, divided_up(cut.list_rows, cut.pack) + 1);
  return std::min(desc.seq_kv, keys.keep + queries - 1);
}

/// Lists of `rows` rows each. Returns the places that memory has room for in one.
int64_t cut_lists_of(int64_t rows, SparseCut& cut, AttentionDesc const& desc, NamedKeys const& keys,
                     int64_t sequences) {
  cut.list_rows = static_cast<int32_t>(rows);
  int64_t const tiles = tiles_of(desc, cut.pack, rows);
  cut.list_tiles = static_cast<int32_t>(std::min<int64_t>(tiles, INT32_MAX));
  cut.lists = checked_multiply(checked_multiply(tiles, keys.heads), sequences);
  return working_bytes(desc) / static_cast<int64_t>(sizeof(int32_t)) /
         std::max<int64_t>(1, cut.lists);
}

/// Lists have as few rows as have room for what they may need: twice the rows leave each twice the
/// room, and lengthen it by a key per query at most. That helps no longer where a list may need all
/// keys, or has all rows of its sequence; then those of the fewest rows that fit are used, and for
/// the others all keys are gone through.
void cut_lists(SparseCut& cut, AttentionDesc const& desc, NamedKeys const& keys, int64_t tile_rows,
               int64_t sequences) {
  int64_t const least = divided_up(kLeastListRows, tile_rows) * tile_rows;
  int64_t room = cut_lists_of(least, cut, desc, keys, sequences);
  int64_t needed = most_places(desc, keys, cut);
  for (int64_t rows = 2 * least; room < needed; rows *= 2) {
    if (needed == desc.seq_kv || rows / 2 >= desc.seq_q * cut.pack) {
      room = cut_lists_of(least, cut, desc, keys, sequences);
      needed = most_places(desc, keys, cut);
      break;
    }
    room = cut_lists_of(rows, cut, desc, keys, sequences);
    needed = most_places(desc, keys, cut);
  }
  cut.capacity = static_cast<int32_t>(std::max<int64_t>(1, std::min(needed, room)));
}

}  // namespace

int64_t working_bytes(AttentionDesc const& desc) {
  int64_t const sequences = desc.packed ? 1 : desc.batch;
  int64_t const q = desc.seq_q * desc.heads_q * desc.head_dim;
  int64_t const kv = desc.seq_kv * (desc.heads_k * desc.head_dim + desc.heads_v * desc.head_dim_v);
  return std::max(kLeastWorkingBytes, sequences * (q + kv) * size_of(desc.dtype));
}

AttentionChoice choose_sparse(AttentionDesc const& desc, bool aligned, DeviceFacts const& facts) {
  return choose_row("sparse_attention", desc, false, aligned, facts);
}

SparseCut cut_sparse(AttentionDesc const& desc, NamedKeys const& keys,
                     KernelInstance const& instance, DeviceFacts const& facts) {
  SparseCut cut;
  // Heads that share keys, values and lists always lie in one tile: it takes a list's keys once.
  cut.pack = static_cast<int32_t>(std::gcd(group_of(desc, {}), desc.heads_out / keys.heads));
  int64_t const sequences = desc.packed ? 1 : desc.batch;
  int64_t const tile_rows = instance.tile_rows;
  int64_t row_tiles = tiles_of(desc, cut.pack, tile_rows);
  if (keys.naming == KeyNaming::kBlocks) {
    int64_t const block_q = std::min(keys.block_q, std::max<int64_t>(1, desc.seq_q));
    row_tiles = divided_up(desc.seq_q, block_q) * divided_up(block_q * cut.pack, tile_rows);
  }
  cut.partial_rows = checked_multiply(sequences * desc.seq_q, desc.heads_out);
  int64_t const blocks =
      checked_multiply(checked_multiply(row_tiles, desc.heads_out / cut.pack), sequences);
  if (blocks > 0 && keys.naming == KeyNaming::kIntervals)
    cut_lists(cut, desc, keys, tile_rows, sequences);
  int64_t const places = keys.naming == KeyNaming::kIntervals && keys.keep == 0
                             ? cut.capacity
                             : most_places(desc, keys, cut);
  // Parts of a list are as many steps long as one another: 14 parts of 16 steps would leave 6
  // empty, and cost as much as 16.
  int64_t const steps = divided_up(places, instance.tile_keys);
  int64_t const ranges = key_ranges(desc, instance, facts, blocks, cut.partial_rows, steps);
  cut.chunks = static_cast<int32_t>(
      ranges <= 1 ? 1 : std::min(kMostChunks, divided_up(steps, steps / ranges)));
  cut.row_tiles = static_cast<int32_t>(std::min<int64_t>(row_tiles, INT32_MAX));
  cut.blocks = checked_multiply(blocks, cut.chunks);
  check(cut.blocks <= INT32_MAX && cut.lists <= INT32_MAX &&
            checked_multiply(row_tiles, tile_rows) <= INT32_MAX,
        ErrorCode::kUnsupported, "sparse attention: ", cut.blocks,
        " tiles of work are more than one launch takes; split the batch");
  return cut;
}

}  // namespace fattn::gpu
