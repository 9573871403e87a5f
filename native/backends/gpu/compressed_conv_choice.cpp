#include "backends/gpu/compressed_conv_choice.h"

#include <algorithm>

#include "kernels/compressed_conv/prologue.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kHeadDimStep = 8;  // mma16 copies 16 bytes at a time
// A tile of tensor cores has 128 tokens, and weights are laid out for it first: a step of decoding
// would pay for all of that.
constexpr int64_t kFewTokens = 16;

/// Tokens of a sequence, on average.
int64_t tokens_each(CompressedConvDesc const& desc) {
  return desc.packed ? desc.seq / std::max<int64_t>(1, desc.batch) : desc.seq;
}

bool for_tensor_cores(CompressedConvDesc const& desc) {
  return desc.head_dim % kHeadDimStep == 0 && desc.half_values() % kHeadDimStep == 0 &&
         tokens_each(desc) > kFewTokens;
}

int64_t head_bytes(CompressedConvDesc const& desc) {
  return desc.head_dim * desc.head_dim * desc.taps_2 * size_of(desc.dtype);
}

/// Bytes that CompressedConvPrepare writes and the blocks read: weights, and turns, which sequences
/// without positions of their own share. A tile's heads read the same turns at the same time, and
/// all tiles the same weights: they come from memory once.
double prepared_bytes(CompressedConvDesc const& desc, int32_t pairs) {
  double const weights = static_cast<double>((desc.heads_q + desc.heads_kv) * head_bytes(desc));
  double const turns = static_cast<double>(desc.seq) * pairs * sizeof(ConvTurn);
  return 2 * (weights + turns);
}

}  // namespace

int64_t most_tiles(CompressedConvDesc const& desc, int64_t tile) {
  int64_t const full = (desc.seq + tile - 1) / tile;
  return desc.packed ? full + desc.batch + 1 : desc.batch * std::max<int64_t>(1, full);
}

CompressedConvChoice choose_compressed_conv(CompressedConvDesc const& desc, int32_t pairs,
                                            bool quads, DeviceFacts const& facts) {
  bool const on_tensor_cores = quads && for_tensor_cores(desc);
  CompressedConvChoice choice;
  for (KernelRow const& row : kernel_rows()) {
    if (row.op != "compressed_conv" || row.dtype.value_or(desc.dtype) != desc.dtype) continue;
    if (row.least_sm > facts.major * 10 + facts.minor) continue;
    bool const tensor_cores = row.path == "mma16";
    if (tensor_cores && (!on_tensor_cores || desc.head_dim > row.head_dim)) continue;
    KernelInstance const instance = row.instance();
    if (instance.kernel.shared_bytes > facts.shared_bytes) continue;
    choice.tile_tokens =
        tensor_cores
            ? instance.tile_rows
            : CompressedConv<float>::tile_tokens(  // whatever the element type
                  static_cast<int32_t>(desc.head_dim), pairs, static_cast<int32_t>(desc.taps_2));
    if (choice.tile_tokens == 0) {
      choice.reason = "head dims that shared memory does not hold";
      return choice;
    }
    choice.row = &row;
    choice.by_head = tensor_cores ||
                     most_tiles(desc, choice.tile_tokens) * desc.heads_kv < facts.multiprocessors;
    choice.heads = choice.by_head ? desc.heads_q + desc.heads_kv : desc.heads_kv;
    return choice;
  }
  choice.reason = "this call: there are only " + listed("compressed_conv");
  return choice;
}

CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc,
                                                  DeviceFacts const& facts) {
  CompressedConvExplanation e;
  e.cost = compressed_conv_cost(desc);
  auto const pairs = static_cast<int32_t>(desc.head_dim / 2);
  CompressedConvChoice const choice = choose_compressed_conv(desc, pairs, true, facts);
  e.supported = choice.row != nullptr;
  e.reason = choice.reason;
  if (!e.supported) return e;
  e.kernel = choice.row->name;
  e.path = choice.row->path;
  e.half_products = choice.on_tensor_cores();
  double const halo = static_cast<double>(size_of(desc.dtype) * desc.halo() * desc.channels());
  e.bytes_moved = e.cost.bytes + static_cast<double>(most_tiles(desc, choice.tile_tokens)) * halo +
                  (choice.on_tensor_cores() ? prepared_bytes(desc, pairs) : 0);
  return e;
}

}  // namespace fattn::gpu
