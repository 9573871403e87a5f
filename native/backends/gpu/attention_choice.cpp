#include "backends/gpu/attention_choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "kernels/attention/schedule.h"

namespace fattn::gpu {
namespace {

using Args = AttentionArgs;

constexpr int64_t kMostTokens = int64_t{1} << 30;  // of a sequence: its rows are 32-bit numbers
constexpr int64_t kMostHeads = int64_t{1} << 20;
constexpr int64_t kMostHeadDim = int64_t{1} << 20;
constexpr int64_t kMostSequences = int64_t{1} << 28;
constexpr int64_t kHeadDimStep = 8;  // mma16 copies 16 bytes at a time

/// Why no kernel serves a call, or null.
char const* refusal(AttentionDesc const& desc) {
  if (desc.seq_q >= kMostTokens || desc.seq_kv >= kMostTokens)
    return "sequences of 2^30 tokens or more";
  if (desc.heads_out > kMostHeads || desc.batch > kMostSequences)
    return "2^20 heads or 2^28 sequences or more";
  if (desc.head_dim >= kMostHeadDim || desc.head_dim_v >= kMostHeadDim)
    return "head dims of 2^20 or more";
  return nullptr;
}

/// Whether scores are scale * q.k and limits alone hide keys: `plain_scores()` of the kernels.
bool plain(AttentionDesc const& desc, AttentionExtras const& extras) {
  if (!(static_cast<float>(desc.scale) > 0) || desc.softcap != 0) return false;
  for (OptionalTensor::Member const tensor :
       {&Args::bias, &Args::mask, &Args::temperature, &Args::alibi_slopes, &Args::segments_k})
    if (extras.has(tensor)) return false;
  return true;
}

/// Why the tensor-core path does not serve a call, or null.
char const* not_on_tensor_cores(AttentionDesc const& desc, bool aligned) {
  if (desc.dtype == DType::f32)
    return "float32 is multiplied in float32, without tensor cores; convert to bfloat16 or float16 "
           "to use them";
  if (desc.head_dim % kHeadDimStep != 0 || desc.head_dim_v % kHeadDimStep != 0)
    return "tensor cores are used for head dims that are multiples of 8";
  if (!aligned) return "tensor cores are used where rows start at multiples of 16 bytes";
  return nullptr;
}

bool serves(KernelRow const& row, AttentionDesc const& desc, bool plain_scores, bool halves,
            DeviceFacts const& facts) {
  if (row.dtype.value_or(desc.dtype) != desc.dtype) return false;
  if (row.least_sm > facts.major * 10 + facts.minor) return false;
  if (row.plain_only && !plain_scores) return false;
  if (row.head_dim > 0 && (!halves || std::max(desc.head_dim, desc.head_dim_v) > row.head_dim))
    return false;
  return row.instance().kernel.shared_bytes <= facts.shared_bytes;
}

/// How full `rows` rows make their tiles.
double fill_of(int64_t rows, int64_t tile) {
  return static_cast<double>(rows) / static_cast<double>((rows + tile - 1) / tile * tile);
}

/// As FlashAttention-3 decides: rows of the group are packed where they fill tiles better by a
/// tenth.
int64_t pack_of(AttentionDesc const& desc, int64_t group, int64_t tile) {
  int64_t const rows = desc.packed ? desc.seq_q / std::max<int64_t>(1, desc.batch) : desc.seq_q;
  if (rows == 0) return 1;
  return fill_of(rows, tile) < 0.9 * fill_of(rows * group, tile) ? group : 1;
}

/// Fewer key ranges than this cost more than they bring.
constexpr int64_t kLeastTilesPerChunk = 4;
constexpr int64_t kMostChunks = 128;
constexpr int64_t kMostPartialBytes = int64_t{256} << 20;

/// The fewest key ranges that fill the device within 85 % of the best that any number does.
int64_t chunks_for(int64_t blocks, int64_t slots, int64_t most) {
  if (blocks == 0 || most <= 1 || 5 * blocks >= 4 * slots) return 1;
  auto const efficiency = [&](int64_t chunks) {
    double const waves = static_cast<double>(blocks * chunks) / static_cast<double>(slots);
    return waves / std::ceil(waves);
  };
  double best = 0;
  for (int64_t chunks = 1; chunks <= most; ++chunks) best = std::max(best, efficiency(chunks));
  int64_t chunks = 1;
  while (efficiency(chunks) < 0.85 * best) ++chunks;
  return chunks;
}

}  // namespace

AttentionChoice choose_row(std::string_view op, AttentionDesc const& desc, bool plain_scores,
                           bool aligned, DeviceFacts const& facts) {
  AttentionChoice choice;
  if (char const* const refused = refusal(desc)) {
    choice.reason = refused;
    return choice;
  }
  char const* const no_tensor_cores = not_on_tensor_cores(desc, aligned);
  for (KernelRow const& row : kernel_rows()) {
    if (row.op != op || !serves(row, desc, plain_scores, no_tensor_cores == nullptr, facts))
      continue;
    choice.row = &row;
    if (no_tensor_cores != nullptr)
      choice.note = no_tensor_cores;
    else if (row.head_dim == 0)
      choice.note =
          "no tensor-core kernel of this device takes these head dims: there are " + listed(op);
    return choice;
  }
  choice.reason = "there are only " + listed(op);
  return choice;
}

AttentionChoice choose_attention(AttentionDesc const& desc, AttentionExtras const& extras,
                                 bool aligned, DeviceFacts const& facts) {
  return choose_row("attention", desc, plain(desc, extras), aligned, facts);
}

int64_t group_of(AttentionDesc const& desc, AttentionExtras const& extras) {
  if (extras.has(&Args::head_map_k) || extras.has(&Args::head_map_v)) return 1;
  bool const grouped = desc.head_map == HeadMap::kGrouped ||
                       desc.head_map == HeadMap::kInterleave ||
                       (desc.head_map == HeadMap::kDefault && desc.heads_q == desc.heads_out);
  if (!grouped) return 1;
  return std::gcd(desc.heads_out / desc.heads_k, desc.heads_out / desc.heads_v);
}

int64_t key_ranges(AttentionDesc const& desc, KernelInstance const& instance,
                   DeviceFacts const& facts, int64_t blocks, int64_t partial_rows, int64_t most) {
  int64_t const row_bytes = 4 * (desc.head_dim_v + 2);
  int64_t const affordable = kMostPartialBytes / std::max<int64_t>(1, partial_rows * row_bytes);
  int64_t const slots = int64_t{facts.multiprocessors} * instance.kernel.min_blocks;
  return chunks_for(blocks, slots, std::min({kMostChunks, most, affordable}));
}

AttentionCut cut_attention(AttentionDesc const& desc, AttentionExtras const& extras,
                           KernelInstance const& instance, DeviceFacts const& facts) {
  AttentionCut cut;
  cut.pack = static_cast<int32_t>(pack_of(desc, group_of(desc, extras), instance.tile_rows));
  int64_t const groups = desc.heads_out / cut.pack;
  int64_t const rows = desc.seq_q * cut.pack;
  int64_t const sequences = desc.packed ? 1 : desc.batch;
  int64_t const row_tiles =
      desc.packed ? most_row_tiles(desc.seq_q, desc.batch + 1, cut.pack, instance.tile_rows)
                  : (rows + instance.tile_rows - 1) / instance.tile_rows;
  cut.partial_rows = checked_multiply(sequences * desc.seq_q, desc.heads_out);
  int64_t const blocks = checked_multiply(row_tiles * groups, sequences);
  int64_t const tiles = (desc.seq_kv + instance.tile_keys - 1) / instance.tile_keys;
  int64_t const chunks =
      key_ranges(desc, instance, facts, blocks, cut.partial_rows, tiles / kLeastTilesPerChunk);
  int64_t const chunk_tiles = std::max<int64_t>(1, (tiles + chunks - 1) / chunks);
  cut.chunk_keys = static_cast<int32_t>(
      chunks == 1 ? INT32_MAX : std::min<int64_t>(INT32_MAX, chunk_tiles * instance.tile_keys));
  cut.chunks = static_cast<int32_t>(
      chunks == 1 ? 1 : std::max<int64_t>(1, (tiles + chunk_tiles - 1) / chunk_tiles));
  cut.row_tiles = static_cast<int32_t>(std::min<int64_t>(row_tiles, INT32_MAX));
  cut.blocks = checked_multiply(blocks, cut.chunks);
  check(cut.blocks <= INT32_MAX && rows + instance.tile_rows <= INT32_MAX, ErrorCode::kUnsupported,
        "attention: ", cut.blocks,
        " tiles of work are more than one launch takes; split the batch");
  return cut;
}

}  // namespace fattn::gpu
