#pragma once

#include <string>
#include <string_view>

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/runtime.h"
#include "core/ops/attention_extras.h"

namespace fattn::gpu {

/// Which kernel serves a call. A pure function of the table and of what is asked here.
struct AttentionChoice {
  KernelRow const* row = nullptr;  // null: none
  std::string reason;              // where none
  std::string note;                // why not tensor cores, where they are not used
};

/// `aligned`: rows of q, k, v and out start at multiples of 16 bytes, as what a question cannot
/// know is taken to be.
AttentionChoice choose_attention(AttentionDesc const& desc, AttentionExtras const& extras,
                                 bool aligned, DeviceFacts const& facts);

/// The best row of `op` that serves a call; `plain_scores`: of `scale * q.k` and no more.
AttentionChoice choose_row(std::string_view op, AttentionDesc const& desc, bool plain_scores,
                           bool aligned, DeviceFacts const& facts);

/// Output heads that lie side by side and share a key and a value head.
int64_t group_of(AttentionDesc const& desc, AttentionExtras const& extras);

/// How many key ranges fill the device, where `blocks` blocks of `instance` do one each and there
/// are at most `most`, whose partial results may not be large.
int64_t key_ranges(AttentionDesc const& desc, KernelInstance const& instance,
                   DeviceFacts const& facts, int64_t blocks, int64_t partial_rows, int64_t most);

/// How a call is cut into blocks: see AttentionParams.
struct AttentionCut {
  int32_t pack = 1;
  int32_t row_tiles = 0;
  int32_t chunks = 1;
  int32_t chunk_keys = 0;
  int64_t blocks = 0;
  int64_t partial_rows = 0;  // of each chunk
};

/// `instance` is that of the chosen row. Throws ERR_UNSUPPORTED beyond what one launch takes.
AttentionCut cut_attention(AttentionDesc const& desc, AttentionExtras const& extras,
                           KernelInstance const& instance, DeviceFacts const& facts);

}  // namespace fattn::gpu
