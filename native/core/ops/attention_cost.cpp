#include "core/ops/attention_cost.h"

#include <algorithm>

namespace fattn {
namespace {

/// Sum over i of [0, rows) of i + first, clamped to [low, high], 0 <= low <= high < 2^31.
/// In closed form, so that asking about a long sequence costs nothing; exact in 64 bits.
int64_t sum_clamped(int64_t rows, int64_t first, int64_t low, int64_t high) {
  int64_t const rises = std::clamp<int64_t>(low - first, 0, rows);  // rows before it count `low`
  int64_t const flat = std::clamp<int64_t>(high - first, rises, rows);  // rows from it count `high`
  int64_t const between = (flat - rises) * ((rises + first) + (flat - 1 + first)) / 2;
  return rises * low + (flat > rises ? between : 0) + (rows - flat) * high;
}

/// Visible pairs of one head and one sequence (attention-variants 1.3), by counting for each row
/// the sink keys [0, sinks) below its causal limit and the window's keys [left, right] beyond the
/// sink keys.
int64_t pairs_of_sequence(AttentionDesc const& desc, int64_t seq_q, int64_t seq_kv) {
  int64_t const aligned = seq_kv - seq_q;  // a(i) = i + aligned
  int64_t const all = seq_q * seq_kv;
  int64_t const reach = seq_q + seq_kv;  // no bound further out than this hides anything
  int64_t const sinks = std::min(desc.sink_tokens, seq_kv);
  int64_t const left = std::min(desc.window_left, reach);
  int64_t right = std::min(desc.window_right, reach);
  if (desc.causal) right = 0;

  int64_t const sink_pairs =
      desc.causal ? sum_clamped(seq_q, aligned + 1, 0, sinks) : seq_q * sinks;
  int64_t const ends = right < 0 ? all : sum_clamped(seq_q, aligned + right + 1, sinks, seq_kv);
  int64_t const starts =
      left < 0 ? seq_q * sinks : sum_clamped(seq_q, aligned - left, sinks, seq_kv);
  return sink_pairs + ends - starts;
}

/// Packed sequences are taken as equally long: `total` tokens over `batch`, the first ones one
/// longer.
int64_t length_of(int64_t total, int64_t batch, int64_t sequence) {
  return total / batch + (sequence < total % batch ? 1 : 0);
}

/// `desc` with every limit that a tensor sets as wide as contents can make it.
AttentionDesc widest(AttentionDesc desc, AttentionExtras const& extras) {
  if (extras.has(&AttentionArgs::window_left)) desc.window_left = -1;
  if (extras.has(&AttentionArgs::window_right)) desc.window_right = -1;
  if (extras.has(&AttentionArgs::sink_tokens)) desc.sink_tokens = desc.seq_kv;
  if (extras.has(&AttentionArgs::prefix_lengths)) desc.causal = false;
  return desc;
}

CostAccuracy accuracy(AttentionDesc const& desc, AttentionExtras const& extras) {
  if (desc.packed) return CostAccuracy::kEstimate;
  using Args = AttentionArgs;
  for (OptionalTensor::Member const hides :
       {&Args::mask, &Args::segments_q, &Args::segments_k, &Args::prefix_lengths, &Args::kv_lengths,
        &Args::window_left, &Args::window_right, &Args::sink_tokens})
    if (extras.has(hides)) return CostAccuracy::kUpperBound;
  return CostAccuracy::kExact;
}

double visible_pairs(AttentionDesc const& desc) {
  if (desc.batch == 0) return 0;
  if (!desc.packed)
    return static_cast<double>(desc.batch) *
           static_cast<double>(pairs_of_sequence(desc, desc.seq_q, desc.seq_kv));
  // At most three runs of sequences with equal lengths.
  int64_t const longer_q = desc.seq_q % desc.batch, longer_kv = desc.seq_kv % desc.batch;
  int64_t const ends[] = {std::min(longer_q, longer_kv), std::max(longer_q, longer_kv), desc.batch};
  double pairs = 0;
  int64_t start = 0;
  for (int64_t const end : ends) {
    if (end == start) continue;
    pairs += static_cast<double>(end - start) *
             static_cast<double>(pairs_of_sequence(desc, length_of(desc.seq_q, desc.batch, start),
                                                   length_of(desc.seq_kv, desc.batch, start)));
    start = end;
  }
  return pairs;
}

}  // namespace

double query_bytes(AttentionDesc const& desc) {
  double const sequences = desc.packed ? 1 : static_cast<double>(desc.batch);
  double const row = static_cast<double>(desc.heads_q) * static_cast<double>(desc.head_dim) +
                     static_cast<double>(desc.heads_out) * static_cast<double>(desc.head_dim_v);
  return static_cast<double>(size_of(desc.dtype)) * sequences * static_cast<double>(desc.seq_q) *
         row;
}

double key_bytes(AttentionDesc const& desc) {
  return static_cast<double>(size_of(desc.dtype)) * static_cast<double>(desc.heads_k) *
         static_cast<double>(desc.head_dim);
}

double value_bytes(AttentionDesc const& desc) {
  return static_cast<double>(size_of(desc.dtype)) * static_cast<double>(desc.heads_v) *
         static_cast<double>(desc.head_dim_v);
}

double keys_in_all(AttentionDesc const& desc) {
  return (desc.packed ? 1 : static_cast<double>(desc.batch)) * static_cast<double>(desc.seq_kv);
}

double flops_of(AttentionDesc const& desc, double pairs) {
  return 2.0 * static_cast<double>(desc.head_dim + desc.head_dim_v) * pairs *
         static_cast<double>(desc.heads_out);
}

AttentionCost attention_cost(AttentionDesc const& desc, AttentionExtras const& extras) {
  check_description(desc);
  AttentionCost cost;
  cost.accuracy = accuracy(desc, extras);
  cost.visible_pairs = visible_pairs(widest(desc, extras));
  cost.flops = flops_of(desc, cost.visible_pairs);
  cost.bytes = query_bytes(desc) + keys_in_all(desc) * (key_bytes(desc) + value_bytes(desc)) +
               extras.bytes();
  return cost;
}

}  // namespace fattn
