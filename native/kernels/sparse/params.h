// The plain struct handed to the kernels of sparse attention, those that gather the keys of a tile.
#pragma once

#include <cstdint>

#include "kernels/attention/params.h"
#include "kernels/dynamic_mask/params.h"

namespace fattn {

/// What names the keys that a tile of rows goes through.
enum class KeyNaming : int32_t {
  kIntervals =
      0,        // two numbers per key: the first query that keeps it, and the one behind the last
  kKept = 1,    // a list of tokens, for a single query
  kBlocks = 2,  // lists of key blocks, one for each block of queries
};

/// Tokens that a query keeps, i32 [b, hB, 1 + most], contiguous: how many there were, of which at
/// most `most` are kept, and these.
struct KeptTokens {
  int32_t const* data;
  int32_t most;
};

/// Lists of key blocks in compressed sparse rows: of the block of queries n the list is
/// indices[offsets[n]] .. indices[offsets[n + 1] - 1]. Null offsets: absent.
struct BlockListRows {
  int32_t const* offsets;      // [b, hB, nQ + 1]
  int64_t batch, head, block;  // element strides
  int32_t const* indices;      // [index_count]
  int64_t index;               // element stride
  int32_t index_count;
};

/// `dense` has lse, kv_lengths, causal and packed sequences of all options. A chunk is one of as
/// many equal parts of the places of its tile's list: chunk_keys has no meaning.
struct SparseAttentionParams {
  AttentionParams dense;
  KeyNaming naming;
  int32_t heads;              // of scores and lists; a divisor of heads_out
  KeyScoreValues scores;      // of kIntervals by key, of kKept by place; null: none
  KeyIntervalRows intervals;  // kIntervals; read

  // kIntervals: of every list_rows rows of a (sequence, head) the keys that some of their queries
  // keep, in ascending order, written by ListKeys: see list_of(). Where they number more than
  // `capacity` the list is not used, and all keys are gone through.
  int32_t* keys;    // [lists][capacity]
  int32_t* counts;  // [lists]: keys, or any number above `capacity`
  int32_t list_rows, list_tiles, capacity;

  KeptTokens kept;              // kKept
  BlockListRows full, partial;  // kBlocks: without causality, and with it
  int32_t block_q, block_k;     // queries and keys of a block, at most those of a sequence
  int32_t query_blocks;

  int32_t const* failed;  // not 0: the lists are not well formed, and name no key. Null: 0
};

}  // namespace fattn
