#pragma once

#include <cstdint>
#include <string>

#include "core/ops/precision.h"
#include "core/tensor_view.h"

namespace fattn {

/// How heads are paired when no explicit map is given. `o` is an output head; hO is the largest of
/// the three head counts. The tensor with fewer heads is shared.
enum class HeadMap : uint8_t {
  kDefault = 0,  // grouped if hQ is the largest count, tile otherwise (attention-variants 3.2)
  kGrouped = 1,  // head floor(o * hX / hO): contiguous groups
  kTile = 2,     // head o mod hX
  kInterleave =
      3,  // reversed SQA: query head floor(o / R); the same rule as grouped, by its field name
};

/// Everything about a call that is not a pointer.
struct AttentionDesc {
  DType dtype = DType::f32;
  bool packed = false;  // q [tQ, hQ, d] with cu_seq_lens, else q [b, sQ, hQ, d]
  int64_t batch = 0;    // sequences
  int64_t seq_q = 0;    // per sequence; packed: total query tokens
  int64_t seq_kv = 0;   // per sequence; packed: total key tokens
  int64_t heads_q = 0;
  int64_t heads_k = 0;
  int64_t heads_v = 0;
  int64_t heads_out = 0;      // largest of the three unless a map tensor is given, then heads_q
  int64_t head_dim = 0;       // d: q and k
  int64_t head_dim_v = 0;     // dV: v and out
  double scale = 1;           // factor on q.k, without unit
  double softcap = 0;         // cap * tanh(x / cap); 0 = off
  bool causal = false;        // j <= i + (sKv - sQ), per sequence
  int64_t window_left = -1;   // keys before the aligned one, -1 = unbounded
  int64_t window_right = -1;  // keys after it, -1 = unbounded
  int64_t sink_tokens = 0;    // first keys that the window never hides
  HeadMap head_map = HeadMap::kDefault;
  Precision precision = Precision::kStorage;
};

/// Tensors of a call. Undefined views mean the option is absent. All "any strides" unless said;
/// q, k, v and out need stride 1 on the last axis.
struct AttentionArgs {
  TensorView q, k, v, out;
  TensorView lse;   // f32 [b, hO, sQ] or packed [hO, tQ], natural log
  TensorView bias;  // f32 or dtype of q, broadcast to [b, hO, sQ, sKv]; not with packed
  TensorView mask;  // boolean/u8, broadcast to [b, hO, sQ, sKv], nonzero = visible; not with packed
  TensorView sinks;           // f32 [hO], logit that joins the denominator only
  TensorView alibi_slopes;    // f32 [hO] or [b, hO]
  TensorView temperature;     // f32, broadcast to lse's shape; multiplies the scaled scores
  TensorView gate;            // f32, broadcast to lse's shape; multiplies the output row
  TensorView segments_q;      // i32 [b, sQ] (packed [tQ])
  TensorView segments_k;      // i32 [b, sKv] (packed [tK]); visible only where equal
  TensorView prefix_lengths;  // i32 [b]: keys and queries below see one another (with causal)
  TensorView kv_lengths;      // i32 [b]: keys in use; not with packed
  TensorView cu_seq_lens_q;   // i32 [b + 1], packed only
  TensorView cu_seq_lens_k;   // i32 [b + 1], packed only
  TensorView window_left;     // i32 [hO], replaces desc.window_left
  TensorView window_right;    // i32 [hO], replaces desc.window_right
  TensorView sink_tokens;     // i32 [hO], replaces desc.sink_tokens
  TensorView head_map_k;  // i32 [hQ]: K head of each query head; contents checked when the job runs
  TensorView head_map_v;  // i32 [hQ]
};

/// Fills the extents, dtype and `packed` of `desc` from the tensors; check_attention() then holds
/// them against every tensor. Throws ERR_SHAPE where q, k, v have too few axes to read them from.
void describe_attention(AttentionArgs const& args, AttentionDesc& desc);

/// Refuses a description that no tensors could make right: extents, head rules, ranges of numbers.
void check_description(AttentionDesc const& desc);

/// Last gate before raw pointers: refuses whatever could make a kernel touch memory outside a
/// storage. Good messages are the business of `lib/`. Broadcasts bias, mask, temperature and gate
/// in place.
void check_attention(AttentionDesc const& desc, AttentionArgs& args);

}  // namespace fattn
