#include "backends/gpu/compressed_conv_job.h"

#include <algorithm>

#include "backends/gpu/compressed_conv_choice.h"
#include "backends/gpu/index_job.h"
#include "backends/gpu/kernel_row.h"
#include "backends/gpu/rope_job.h"
#include "backends/gpu/token_tensors.h"
#include "kernels/compressed_conv/convolution.h"
#include "kernels/compressed_conv/mma16/kernel.h"
#include "kernels/compressed_conv/prepare.h"

namespace fattn::gpu {
namespace {

constexpr char kName[] = "compressedConvAttention";

ConvTokens tokens_of(TensorView const& view, bool packed) {
  if (!view.defined()) return {};
  return {view.bytes(), packed ? 0 : view.strides[0], view.strides[packed ? 0 : 1]};
}

ConvParameter parameter(TensorView const& view) {
  if (!view.defined()) return {};
  return {view.bytes(), view.dtype == DType::f32};
}

void describe_tensors(CompressedConvParams& p, CompressedConvDesc const& desc,
                      CompressedConvArgs const& a) {
  p.latent = tokens_of(a.latent, desc.packed);
  p.value = tokens_of(a.value, desc.packed);
  p.delayed = tokens_of(a.delayed, desc.packed);
  p.history = tokens_of(a.history, false);
  if (a.delayed_history.defined())
    p.delayed_history = {a.delayed_history.bytes(), a.delayed_history.strides[0], 0};
  p.w1 = parameter(a.w1);
  p.b1 = parameter(a.b1);
  p.w2 = parameter(a.w2);
  p.b2 = parameter(a.b2);
  p.temperature = parameter(a.temperature);
  p.delayed_bias = parameter(a.delayed_bias);
  p.q = tensor_rows(a.q);
  p.k = tensor_rows(a.k);
  p.v = tensor_rows(a.v);
  if (a.in_use.defined()) {
    p.in_use = a.in_use.data<float>();
    p.in_use_sequence = a.in_use.strides[0];
    p.in_use_token = a.in_use.strides[1];
  }
  if (a.next_history.defined()) {
    p.next_history = a.next_history.bytes();
    p.next_history_sequence = a.next_history.strides[0];
    p.next_history_token = a.next_history.strides[1];
  }
  if (a.next_delayed.defined()) {
    p.next_delayed = a.next_delayed.bytes();
    p.next_delayed_sequence = a.next_delayed.strides[0];
  }
}

void describe_numbers(CompressedConvParams& p, CompressedConvDesc const& desc) {
  static_assert(static_cast<int>(TemperatureMode::kExpClamped) ==
                static_cast<int>(ConvTemperature::kExpClamped));
  p.temperature_mode = static_cast<ConvTemperature>(desc.temperature_mode);
  p.sequences = desc.batch;
  p.tokens = desc.seq;
  p.heads_q = static_cast<int32_t>(desc.heads_q);
  p.heads_kv = static_cast<int32_t>(desc.heads_kv);
  p.head_dim = static_cast<int32_t>(desc.head_dim);
  p.taps_1 = static_cast<int32_t>(desc.taps_1);
  p.taps_2 = static_cast<int32_t>(desc.taps_2);
}

/// Frequencies by the largest position. The host can tell it where neither positions nor lengths
/// nor the cuts of packed sequences say where tokens stand.
double const* find_frequencies(DeviceJob& job, CompressedConvParams const& p,
                               CompressedConvDesc const& desc) {
  RopeFrequenciesParams params{};
  params.positions = p.positions;
  params.batch = desc.packed ? 1 : desc.batch;
  params.tokens = desc.seq;
  params.pairs = p.pairs;
  params.lengths = p.lengths;
  params.cu_seq_lens = p.cu_seq_lens;
  params.sequences = desc.batch;
  return frequencies_by_length(job, desc.rope, desc.head_dim, params);
}

/// After the checks of lengths and cuts, whose checked copies it reads.
void describe_rotation(DeviceJob& job, CompressedConvParams& p, CompressedConvDesc const& desc,
                       CompressedConvArgs const& args) {
  bool const by_length = asks_for_length(desc.rope);
  RopeDesc rope = desc.rope;
  if (by_length)
    rope.current_length =
        static_cast<double>(std::max<int64_t>(0, desc.seq + rope.position_offset));
  RopeFrequencies const exact = rope_frequencies(rope, desc.head_dim);
  check_angles(rope, exact.per_position);
  p.positions.offset = rope.position_offset;
  if (args.positions.defined()) {
    TensorView const& given = args.positions;  // broadcast to [b, s] or [t]
    p.positions.data = given.data<int32_t>();
    p.positions.batch = desc.packed ? 0 : given.strides[0];
    p.positions.token = given.strides[given.rank() - 1];
  }
  p.pairs = static_cast<int32_t>(exact.per_position.size());
  bool const host_knows = !args.positions.defined() && !p.lengths && !desc.packed;
  p.frequencies =
      by_length && !host_knows
          ? find_frequencies(job, p, desc)
          : static_cast<double const*>(job.upload(exact.per_position.data(),
                                                  p.pairs * static_cast<int64_t>(sizeof(double))));
  p.cos_factor = exact.attention_factor;
  p.sin_factor = rope.inverse ? -exact.attention_factor : exact.attention_factor;
  bool const reads_halves = rope.pairing == RopePairing::kHalfSplit;
  bool const writes_halves = rope.pairing != RopePairing::kInterleaved;
  p.from_step = reads_halves ? 1 : 2;
  p.from_apart = reads_halves ? p.pairs : 1;
  p.to_step = writes_halves ? 1 : 2;
  p.to_apart = writes_halves ? p.pairs : 1;
}

/// Lays out weights and makes turns for the tensor cores.
void launch_prepare(DeviceJob& job, CompressedConvParams& p, CompressedConvDesc const& desc) {
  using Kernel = CompressedConvPrepare<simt::BF16>;  // blocks are the same for every element type
  bool const each = p.positions.data && p.positions.batch != 0;
  CompressedConvPrepareParams params{};
  params.w2 = p.w2.data;
  params.channels = p.channels();
  params.head_dim = p.head_dim;
  params.taps_2 = p.taps_2;
  params.ready_w2 =
      job.scratch_of<uint16_t>(checked_multiply(p.channels() * p.taps_2, int64_t{p.head_dim}));
  int64_t const weights = p.channels() * p.head_dim;
  params.w2_blocks = (weights + Kernel::kThreads - 1) / Kernel::kThreads;
  params.positions = p.positions;
  params.tokens = desc.seq;
  params.rows = each ? desc.batch * desc.seq : desc.seq;
  params.pairs = p.pairs;
  params.frequencies = p.frequencies;
  params.cos_factor = p.cos_factor;
  params.sin_factor = p.sin_factor;
  int64_t const turns = checked_multiply(params.rows, int64_t{p.pairs});
  if (turns > 0) params.turns = job.scratch_of<ConvTurn>(turns);
  p.ready_w2 = params.ready_w2;
  p.turns = params.turns;
  p.turn_batch = each ? desc.seq : 0;
  job.launch(kernel_row("compressed_conv_prepare", desc.dtype).instance().kernel,
             grid_for(kName, params.w2_blocks * Kernel::kThreads + turns, Kernel::kThreads),
             params);
}

}  // namespace

std::shared_ptr<PendingReport> launch_compressed_conv(DeviceJob& job,
                                                      CompressedConvDesc const& desc,
                                                      CompressedConvArgs const& args) {
  if (desc.batch == 0 && !desc.packed) return nullptr;
  CompressedConvParams p{};
  describe_tensors(p, desc, args);
  describe_numbers(p, desc);
  p.cu_stride = p.length_stride = 1;
  std::shared_ptr<PendingReport> report;
  if (desc.packed)
    report = launch_index_check(job, IndexTensor::kCuSeqLens, args.cu_seq_lens, desc.seq,
                                p.cu_seq_lens, kName);
  else if (args.lengths.defined())
    report =
        launch_index_check(job, IndexTensor::kLengths, args.lengths, desc.seq, p.lengths, kName);
  if (desc.rotates) describe_rotation(job, p, desc, args);
  bool const quads = in_quads(p) && args.w2.dtype == desc.dtype;
  CompressedConvChoice const choice =
      choose_compressed_conv(desc, p.pairs, quads, job.stream().gpu().facts());
  check(choice.row != nullptr, ErrorCode::kUnsupported, kName, " on ",
        name_of(job.stream().device()), " does not serve ", choice.reason);
  p.tile_tokens = choice.tile_tokens;
  p.outputs = ConvShared::outputs_of(p.head_dim, p.pairs, p.taps_2);
  p.by_head = choice.by_head;
  if (choice.on_tensor_cores()) launch_prepare(job, p, desc);
  job.launch(choice.row->instance().kernel,
             grid_for(kName, most_tiles(desc, p.tile_tokens) * choice.heads, 1), p);
  return report;
}

}  // namespace fattn::gpu
