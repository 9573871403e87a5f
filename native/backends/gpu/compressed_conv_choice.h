#pragma once

#include <string>

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/runtime.h"
#include "core/backend.h"
#include "core/ops/compressed_conv.h"

namespace fattn::gpu {

/// Which kernel serves a call. A pure function of the table and of what is asked here.
struct CompressedConvChoice {
  KernelRow const* row = nullptr;  // null: none
  std::string reason;              // where none
  int32_t tile_tokens = 0;
  bool by_head = false;
  int64_t heads = 0;  // blocks of a tile of tokens

  bool on_tensor_cores() const { return row != nullptr && row->path == "mma16"; }
};

/// `quads`: what the tensor-core path asks of rows is so, and w2 is of the dtype of the latents; as
/// what a question cannot know is taken to be. `pairs`: those of a head that turn.
CompressedConvChoice choose_compressed_conv(CompressedConvDesc const& desc, int32_t pairs,
                                            bool quads, DeviceFacts const& facts);

/// At most: packed sequences may each leave their last tile unfilled, and padding follows them.
int64_t most_tiles(CompressedConvDesc const& desc, int64_t tile);

/// As if all of a head turned, which takes the most memory: a question does not say how much does.
CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc,
                                                  DeviceFacts const& facts);

}  // namespace fattn::gpu
