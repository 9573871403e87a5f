#include "core/ops/compressed_conv.h"

#include <string>

#include "core/error.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

/// [b, s, …] or packed [t, …].
Extents token_rows(CompressedConvDesc const& desc, std::initializer_list<int64_t> row) {
  Extents sizes(static_cast<int>(row.size()) + (desc.packed ? 1 : 2));
  int axis = 0;
  if (!desc.packed) sizes[axis++] = desc.batch;
  sizes[axis++] = desc.seq;
  for (int64_t const size : row) sizes[axis++] = size;
  return sizes;
}

void check_sizes(CompressedConvDesc const& desc) {
  check(desc.heads_q > 0 && desc.heads_kv > 0 && desc.head_dim > 0, ErrorCode::kShape,
        "compressedConvAttention: ", desc.heads_q, " query heads, ", desc.heads_kv,
        " key heads of ", desc.head_dim);
  check(desc.heads_q % desc.heads_kv == 0, ErrorCode::kShape,
        "compressedConvAttention: ", desc.heads_q, " query heads are no multiple of ",
        desc.heads_kv, " key heads");
  check(desc.heads_kv * desc.head_dim % 2 == 0, ErrorCode::kShape,
        "compressedConvAttention: hKv * d = ", desc.heads_kv * desc.head_dim,
        " must be even to be split into current and delayed values");
  check(desc.heads_q < 1 << 20 && desc.head_dim < 1 << 20 && desc.seq < INT32_MAX / 2,
        ErrorCode::kUnsupported,
        "compressedConvAttention does not serve 2^20 heads or head dims, or 2^30 tokens");
  for (int64_t const taps : {desc.taps_1, desc.taps_2})
    check(taps >= 1 && taps <= kMostTaps, ErrorCode::kUnsupported,
          "compressedConvAttention: a convolution of ", taps, " taps, expected 1 to ", kMostTaps);
  check(desc.temperature_mode <= TemperatureMode::kExpClamped, ErrorCode::kArgumentValue,
        "compressedConvAttention: unknown tempMode");
  if (desc.rotates) rope_frequencies(desc.rope, desc.head_dim);  // refuses what makes no sense
}

void check_parameter(CompressedConvDesc const& desc, Operands const& operands, char const* name,
                     TensorView const& view, Extents const& sizes) {
  if (!view.defined()) return;
  DType const dtype = view.dtype == DType::f32 ? DType::f32 : desc.dtype;
  operands.expect(name, view, dtype, sizes);
  check(view.contiguous(), ErrorCode::kLayout, name, " must be contiguous, got strides ",
        view.strides);
}

void check_parameters(CompressedConvDesc const& desc, Operands const& operands,
                      CompressedConvArgs const& a) {
  int64_t const channels = desc.channels();
  check(a.w1.defined() && a.w2.defined() && a.temperature.defined(), ErrorCode::kDisposed,
        "compressedConvAttention: w1, w2 or the temperature has no storage");
  check_parameter(desc, operands, "w1", a.w1, {channels, desc.taps_1});
  check_parameter(desc, operands, "b1", a.b1, {channels});
  check_parameter(desc, operands, "w2", a.w2, {channels, desc.head_dim, desc.taps_2});
  check_parameter(desc, operands, "b2", a.b2, {channels});
  check_parameter(desc, operands, "temperature", a.temperature, {desc.heads_kv});
  check_parameter(desc, operands, "delayedBias", a.delayed_bias, {desc.half_values()});
}

/// Rows that a kernel reads or writes as one piece of memory.
void check_rows(Operands const& operands, char const* name, TensorView const& view, DType dtype,
                Extents const& sizes) {
  operands.expect_optional(name, view, dtype, sizes);
  if (view.defined()) check_last_axis(name, view);
}

void check_written(CompressedConvArgs const& a, char const* name, TensorView const& view) {
  if (!view.defined()) return;
  check_distinct(name, view);
  using Args = CompressedConvArgs;
  for (auto const member :
       {&Args::latent, &Args::value, &Args::delayed, &Args::w1, &Args::b1, &Args::w2, &Args::b2,
        &Args::temperature, &Args::delayed_bias, &Args::positions, &Args::cu_seq_lens,
        &Args::lengths, &Args::history, &Args::delayed_history})
    check_apart(name, view, "an input", a.*member);
}

void check_outputs(CompressedConvArgs const& a) {
  struct Output {
    char const* name;  // as the caller gives it
    TensorView const& view;
  };
  Output const written[] = {{"out.q", a.q},
                            {"out.k", a.k},
                            {"out.v", a.v},
                            {"inUse", a.in_use},
                            {"nextHistory", a.next_history},
                            {"nextDelayed", a.next_delayed}};
  for (Output const& one : written) {
    check_written(a, "an output", one.view);
    for (Output const& other : written)
      check(&one == &other || !one.view.defined() || one.view.storage != other.view.storage ||
                !spans_overlap(one.view, other.view),
            ErrorCode::kOption, one.name, " and ", other.name, " overlap, and both are written");
  }
}

}  // namespace

void describe_compressed_conv(CompressedConvArgs const& a, CompressedConvDesc& desc) {
  check(a.latent.defined() && a.q.defined() && a.k.defined() && a.w1.defined() && a.w2.defined(),
        ErrorCode::kDisposed, "compressedConvAttention: a tensor has no storage");
  desc.dtype = a.latent.dtype;
  desc.packed = a.cu_seq_lens.defined();
  int const rank = desc.packed ? 3 : 4;
  check(a.latent.rank() == rank - 1 && a.q.rank() == rank && a.k.rank() == rank &&
            a.w1.rank() == 2 && a.w2.rank() == 3,
        ErrorCode::kShape, "latent is ", a.latent.sizes, ", q is ", a.q.sizes, ", k is ", a.k.sizes,
        ", w1 is ", a.w1.sizes, ", w2 is ", a.w2.sizes);
  if (desc.packed)
    check(a.cu_seq_lens.rank() == 1 && a.cu_seq_lens.sizes[0] > 0, ErrorCode::kShape,
          "cuSeqLens is ", a.cu_seq_lens.sizes, ", expected [b + 1]");
  desc.batch = desc.packed ? a.cu_seq_lens.sizes[0] - 1 : a.latent.sizes[0];
  desc.seq = a.latent.sizes[rank - 3];
  desc.heads_q = a.q.sizes[rank - 2];
  desc.heads_kv = a.k.sizes[rank - 2];
  desc.head_dim = a.q.sizes[rank - 1];
  desc.taps_1 = a.w1.sizes[1];
  desc.taps_2 = a.w2.sizes[2];
}

void check_compressed_conv(CompressedConvDesc const& desc, CompressedConvArgs& a) {
  check(is_float(desc.dtype), ErrorCode::kDType, "latent is ", name_of(desc.dtype),
        ", expected float32, float16 or bfloat16");
  check_sizes(desc);
  Operands const operands(a.latent.device());
  int64_t const half = desc.half_values();
  check_rows(operands, "latent", a.latent, desc.dtype, token_rows(desc, {desc.channels()}));
  check(a.value.defined() && a.delayed.defined() && a.v.defined(), ErrorCode::kDisposed,
        "compressedConvAttention: a tensor has no storage");
  check_rows(operands, "value", a.value, desc.dtype, token_rows(desc, {half}));
  check_rows(operands, "delayed", a.delayed, desc.dtype, token_rows(desc, {half}));
  check_parameters(desc, operands, a);
  operands.expect_broadcast("positions", a.positions, DType::i32, token_rows(desc, {}));
  operands.expect_optional("cuSeqLens", a.cu_seq_lens, DType::i32, {desc.batch + 1});
  check(!desc.packed || !a.lengths.defined(), ErrorCode::kOption,
        "lengths and cuSeqLens exclude one another");
  operands.expect_optional("lengths", a.lengths, DType::i32, {desc.batch});
  check_rows(operands, "history", a.history, desc.dtype,
             {desc.batch, desc.halo(), desc.channels()});
  check_rows(operands, "delayedHistory", a.delayed_history, desc.dtype, {desc.batch, half});

  Extents const keys = token_rows(desc, {desc.heads_kv, desc.head_dim});
  check_rows(operands, "q", a.q, desc.dtype, token_rows(desc, {desc.heads_q, desc.head_dim}));
  check_rows(operands, "k", a.k, desc.dtype, keys);
  check_rows(operands, "v", a.v, desc.dtype, keys);
  operands.expect_optional("inUse", a.in_use, DType::f32, {desc.batch, desc.seq});
  check(!desc.packed || !a.in_use.defined(), ErrorCode::kOption,
        "inUse is for sequences that are not packed");
  check_rows(operands, "nextHistory", a.next_history, desc.dtype,
             {desc.batch, desc.halo(), desc.channels()});
  check_rows(operands, "nextDelayed", a.next_delayed, desc.dtype, {desc.batch, half});
  check_outputs(a);
}

CompressedConvCost compressed_conv_cost(CompressedConvDesc const& desc) {
  check_sizes(desc);
  double const tokens =
      static_cast<double>(desc.seq) * (desc.packed ? 1.0 : static_cast<double>(desc.batch));
  double const channels = static_cast<double>(desc.channels());
  double const depth = static_cast<double>(desc.head_dim * desc.taps_2);
  double const values = 2 * static_cast<double>(desc.half_values());
  CompressedConvCost cost;
  cost.flops = 2 * tokens * channels * (static_cast<double>(desc.taps_1) + depth);
  // As many elements are written as are read. Parameters as if in the dtype of the latents.
  double const parameters = channels * (static_cast<double>(desc.taps_1) + depth + 2);
  cost.bytes =
      static_cast<double>(size_of(desc.dtype)) * (2 * tokens * (channels + values) + parameters);
  return cost;
}

}  // namespace fattn
