#pragma once

#include "backends/gpu/attention_choice.h"
#include "kernels/sparse/params.h"

namespace fattn::gpu {

/// What names the keys of a sparse call, as far as its kernel and its cut depend on it.
struct NamedKeys {
  KeyNaming naming = KeyNaming::kIntervals;
  int64_t heads = 1;  // of scores and lists
  int64_t keep = 0;   // keys of a row at most; 0: not known. Blocks: keys of a list, about
  int64_t block_q = 1;
};

/// Which kernel serves a call, as choose_attention() says for dense ones.
AttentionChoice choose_sparse(AttentionDesc const& desc, bool aligned, DeviceFacts const& facts);

/// How a call is cut into blocks, and its keys into lists: see SparseAttentionParams.
struct SparseCut {
  int32_t pack = 1;
  int32_t row_tiles = 0;
  int32_t chunks = 1;
  int64_t blocks = 0;
  int64_t partial_rows = 0;  // of each chunk
  // Of intervals. The lists take no more memory than the inputs (or 1 MiB): where many keys are
  // kept, more rows share a list. Where no number of rows leaves room enough, or nobody knows how
  // many keys are kept, a capacity is less than a list may need. A list with more keys is not used:
  // its rows go through all keys up to the last they see, kept or not, at the price of all those
  // products and reads.
  int32_t list_rows = 0, list_tiles = 0, capacity = 0;
  int64_t lists = 0;
};

/// `instance` is that of the chosen row. Throws ERR_UNSUPPORTED beyond what one launch takes.
SparseCut cut_sparse(AttentionDesc const& desc, NamedKeys const& keys,
                     KernelInstance const& instance, DeviceFacts const& facts);

/// What the working memory of a sparse call is measured by: bytes of q, k and v, or 1 MiB.
int64_t working_bytes(AttentionDesc const& desc);

}  // namespace fattn::gpu
