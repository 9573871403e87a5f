#include "backends/gpu/rope_job.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/token_tensors.h"
#include "kernels/elementwise/rope.h"
#include "kernels/elementwise/rope_frequencies.h"

namespace fattn::gpu {
namespace {

constexpr double kMostAngle = 0x1p54;  // radians, that the kernel's sine takes
constexpr double kMostPosition = 0x1p31;

double* upload(DeviceJob& job, std::vector<double> const& numbers) {
  return static_cast<double*>(
      job.upload(numbers.data(), static_cast<int64_t>(numbers.size() * sizeof(double))));
}

RopePositions positions_of(RopeDesc const& desc, TensorView const& given) {
  RopePositions positions{nullptr, 0, 0, desc.position_offset};
  if (!given.defined()) return positions;
  positions.data = given.data<int32_t>();
  positions.token = given.strides[given.rank() - 1];
  if (given.rank() == 2) positions.batch = given.strides[0];
  return positions;
}

struct PairLayout {
  int32_t step, apart;  // elements of pair t: t * step and t * step + apart
};
PairLayout layout_of(bool split, int32_t pairs) {
  return split ? PairLayout{1, pairs} : PairLayout{2, 1};
}

void describe_pairs(RopeParams& p, RopeDesc const& desc) {
  PairLayout const from = layout_of(desc.pairing == RopePairing::kHalfSplit, p.pairs);
  PairLayout const to = layout_of(desc.pairing != RopePairing::kInterleaved, p.pairs);
  p.from_step = from.step;
  p.from_apart = from.apart;
  p.to_step = to.step;
  p.to_apart = to.apart;
}

/// In place a row of many pairs cannot be de-interleaved: it is turned from a copy.
TensorRows source_rows(DeviceJob& job, RopeDesc const& desc, RopeArgs const& args, int32_t pairs) {
  bool const in_place = args.x.bytes() == args.out.bytes();
  bool const fits = pairs <= Rope<float>::kPassPairs;
  if (!in_place || fits || desc.pairing != RopePairing::kDeinterleaved) return tensor_rows(args.x);
  TensorView rows = args.x;
  rows.strides = contiguous_strides(rows.sizes);
  void* const copy = job.scratch(rows.elements() * size_of(rows.dtype));
  launch_pack(job, args.x, copy, args.x.dtype);
  TensorRows result = tensor_rows(rows);
  result.data = copy;
  return result;
}

}  // namespace

void check_angles(RopeDesc const& desc, std::vector<double> const& frequencies) {
  double const largest = *std::max_element(frequencies.begin(), frequencies.end());
  double const position = std::fabs(static_cast<double>(desc.position_offset)) + kMostPosition;
  check(largest * position < kMostAngle, ErrorCode::kUnsupported, "rope: offset ",
        desc.position_offset, " with ", largest,
        " radians per position makes angles beyond 2^54, which a GPU does not serve");
}

bool asks_for_length(RopeDesc const& desc) {
  return desc.current_length == 0 &&
         (desc.scaling == RopeScaling::kDynamicNtk || desc.scaling == RopeScaling::kLongRope);
}

double const* frequencies_by_length(DeviceJob& job, RopeDesc const& desc, int64_t head_dim,
                                    RopeFrequenciesParams params) {
  params.original_max = desc.original_max;
  params.theta = desc.theta;
  params.factor = desc.factor;
  params.rotary_dim = static_cast<int32_t>(desc.rotary_dim);
  params.frequencies = job.scratch_of<double>(params.pairs);
  if (desc.scaling == RopeScaling::kLongRope) {
    RopeDesc at = desc;
    at.current_length = desc.original_max;
    params.within = upload(job, rope_frequencies(at, head_dim).per_position);
    at.current_length = desc.original_max + 1;
    params.beyond = upload(job, rope_frequencies(at, head_dim).per_position);
  }
  job.launch(kernel_row("rope_frequencies").instance().kernel, {}, params);
  return params.frequencies;
}

void launch_rope(DeviceJob& job, RopeDesc const& desc, RopeArgs const& args) {
  if (args.x.elements() == 0) return;
  TokenSizes const sizes(args.x);
  bool const on_device = asks_for_length(desc) && args.positions.defined();
  RopeDesc complete = desc;
  if (asks_for_length(desc))
    complete.current_length =
        static_cast<double>(std::max<int64_t>(0, sizes.tokens + desc.position_offset));
  RopeFrequencies const exact = rope_frequencies(complete, sizes.dim);
  check_angles(desc, exact.per_position);

  RopeParams p{};
  p.pairs = static_cast<int32_t>(exact.per_position.size());
  p.x = source_rows(job, desc, args, p.pairs);
  p.out = tensor_rows(args.out);
  p.positions = positions_of(desc, args.positions);
  p.batch = sizes.batch;
  p.tokens = sizes.tokens;
  p.heads = static_cast<int32_t>(sizes.heads);
  p.dim = static_cast<int32_t>(sizes.dim);
  if (on_device) {
    RopeFrequenciesParams params{};
    params.positions = p.positions;
    params.batch = p.batch;
    params.tokens = p.tokens;
    params.pairs = p.pairs;
    p.frequencies = frequencies_by_length(job, desc, sizes.dim, params);
  } else {
    p.frequencies = upload(job, exact.per_position);
  }
  p.cos_factor = exact.attention_factor;
  p.sin_factor = desc.inverse ? -exact.attention_factor : exact.attention_factor;
  describe_pairs(p, desc);
  using Kernel = Rope<float>;
  int64_t const head_blocks = (sizes.heads + Kernel::kHeads - 1) / Kernel::kHeads;
  job.launch(kernel_row("rope", args.x.dtype).instance().kernel,
             grid_for("rope", sizes.batch * sizes.tokens * head_blocks, Kernel::kWarps), p);
}

}  // namespace fattn::gpu
