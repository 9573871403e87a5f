// A planned attention call: plain data that the kernels of every instruction path read. No
// ownership, no containers: a kernel unit must not instantiate library code under its own compiler
// flags.
#pragma once

#include <cstdint>

#include "backends/cpu/product/layout.h"
#include "core/dtype.h"
#include "kernels/attention/variants.h"

namespace fattn::cpu {

constexpr int kBlockKeys = 128;   // keys per step of the online softmax
constexpr int kMaxRows = 192;     // query rows per prefill task (stacked over the heads of a group)
constexpr int kDecodeRows = 16;   // at most so many stacked rows go to the decode kernel
constexpr int kDecodeGroups = 8;  // at most so many head groups advance together
constexpr int kDecodeBlockKeys = 256;  // keys per step of the decode kernel
constexpr int kDecodeChunkKeys =
    256;  // keys per decode task: a constant, so that bits never depend on threads
constexpr int kPrefillChunkKeys =
    2048;  // keys per prefill task where few query rows make splitting worthwhile
constexpr int kSplitMaxQueries = 64;  // queries per sequence up to which prefill splits over keys

/// A [b, h, i, j] operand read element by element (bias, mask) or row by row (lse, temperature,
/// gate).
struct ScoreOperand {
  char const* data = nullptr;
  DType dtype = DType::f32;
  int64_t batch = 0, head = 0, row = 0, key = 0;  // element strides, 0 on broadcast axes
};

/// One sequence of the batch: where its tokens start in each operand, in elements.
struct Sequence {
  int64_t q = 0, k = 0, v = 0, out = 0;
  int64_t lse = 0, temperature = 0, gate = 0;
  int64_t batch = 0;      // index for per-batch operands
  int64_t first_key = 0;  // of a packed sequence, in operands with an axis of keys
  int32_t const* segments_q = nullptr;
  int32_t const* segments_k = nullptr;
  int64_t segment_stride_q = 1, segment_stride_k = 1;
  int32_t seq_q = 0, seq_kv = 0;  // keys in use
  int32_t prefix = 0;
  int32_t chunks = 1;   // key chunks per task; above 1 partials are merged
  int64_t partial = 0;  // first partial slot: [head][query][chunk]
};

/// Query heads that read the same K and V head, and so share packed blocks.
struct HeadGroup {
  int32_t k_head, v_head;
  int32_t first, count;  // range of AttentionPlan::group_heads
  int32_t score_head;    // of SparseKeys
};

/// Which keys count, where not all do, and what is added to their scores. By sequence, and by score
/// head: output head o has o * heads / hO.
struct SparseKeys {
  enum class Form : uint8_t {
    kIntervals,  // each key counts for one run of query rows (attention-variants 5.2)
    kList,       // a list of keys in ascending order, for all rows alike
    kBlocks,     // lists of blocks of keys, each for a block of query rows (seed-systems K3)
  };
  Form form = Form::kIntervals;
  int64_t heads = 1;
  int64_t batch = 0, head = 0;  // element strides of what follows

  /// By key, side by side: the first query that keeps it. A list: a count, then keys.
  int32_t const* rows = nullptr;
  int64_t end = 0;                // elements on: the query behind the last that does
  float const* scores = nullptr;  // by key, or in the order of the list; null: nothing is added
  int64_t scores_batch = 0, scores_head = 0, scores_key = 0;

  /// By block of queries: where its entries begin; they end where the next one's begin.
  int64_t const* block_starts = nullptr;
  int32_t const* block_entries = nullptr;  // 2 * block of keys, + 1 where all its pairs count
  int32_t block_rows = 0, block_keys = 0;
};

struct AttentionPlan {
  bool (*stopped)(void const* job) = nullptr;  // results are no longer wanted; polled per block
  void const* job = nullptr;

  Operand q, k, v;
  Operand out;  // written
  float* lse = nullptr;
  int64_t lse_head = 0, lse_row = 0;
  ScoreOperand bias, mask, temperature, gate;
  float const* sinks = nullptr;  // [hO] by stride
  int64_t sink_stride = 1;
  float const* slopes = nullptr;  // by batch and head
  int64_t slope_batch = 0, slope_head = 1;

  int32_t head_dim = 0, head_dim_v = 0;
  float scale = 1;        // natural units
  float softcap = 0;      // 0 = off
  bool bf16_dot = false;  // products on bfloat16 pairs
  bool plain_scores =
      true;  // score = scale * q.k with scale > 0, and limits alone decide visibility
  bool has_segments = false;
  SparseKeys const* sparse = nullptr;  // keys are gathered; null: all, as they lie

  StructuralMask const* head_masks = nullptr;  // [hO]
  int32_t const* q_heads = nullptr;            // [hO], query head of each output head
  int32_t const* group_heads = nullptr;        // output heads, group by group
  HeadGroup const* groups = nullptr;
  int32_t group_count = 0;
  Sequence const* sequences = nullptr;

  // Partial states of sequences with chunks > 1, by slot.
  float* partial_out = nullptr;  // [slot][dV], not normalised
  float* partial_max = nullptr;  // [slot], log2 units
  float* partial_sum = nullptr;  // [slot]

  int64_t prefill_scratch = 0, decode_scratch = 0;  // bytes per thread
};

/// Work for one thread: query rows [row_begin, row_end) of the heads of some groups, over one chunk
/// of keys.
struct AttentionTask {
  int32_t sequence;
  int32_t group_begin, group_end;  // prefill: exactly one
  int32_t head_begin, head_end;    // within the group (prefill; decode takes all)
  int32_t row_begin, row_end;
  int32_t chunk, chunk_end;  // decode: several chunks in turn, each with its own state; else one
};

}  // namespace fattn::cpu
