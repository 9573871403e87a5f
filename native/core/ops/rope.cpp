#include "core/ops/rope.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

constexpr int64_t kMaxOffset = int64_t{1} << 53;  // positions stay exact in a double
constexpr double kPi = 3.14159265358979323846;

void check_positive(char const* name, double value) {
  check(std::isfinite(value) && value > 0, ErrorCode::kArgumentValue, "rope: ", name, " is ", value,
        ", expected a finite number > 0");
}

void check_widths(RopeDesc const& desc, int64_t head_dim) {
  check(desc.rotary_dim >= 2 && desc.rotary_dim % 2 == 0 && desc.rotary_dim <= head_dim,
        ErrorCode::kArgumentValue, "rope: rotaryDim is ", desc.rotary_dim,
        ", expected an even number from 2 to ", head_dim);
  check(desc.scaling != RopeScaling::kProportional || head_dim % 2 == 0, ErrorCode::kShape,
        "rope: 'proportional' scaling pairs all of a head, whose size ", head_dim, " is odd");
}

/// theta^(-2t / width) for each of `pairs` pairs.
std::vector<double> plain_frequencies(double theta, int64_t width, int64_t pairs) {
  std::vector<double> result(static_cast<size_t>(pairs));
  for (int64_t t = 0; t < pairs; ++t)
    result[static_cast<size_t>(t)] =
        std::pow(theta, -2.0 * static_cast<double>(t) / static_cast<double>(width));
  return result;
}

/// theta grows with the length beyond the one trained on. A single pair has frequency 1 for any
/// theta.
double dynamic_theta(RopeDesc const& desc) {
  double const stretch = desc.factor * desc.current_length / desc.original_max - (desc.factor - 1);
  if (desc.current_length <= desc.original_max || desc.rotary_dim == 2) return desc.theta;
  double const width = static_cast<double>(desc.rotary_dim);
  return desc.theta * std::pow(stretch, width / (width - 2));
}

/// Long waves are stretched, short ones kept, those between blended.
void scale_llama3(RopeDesc const& desc, std::vector<double>& frequencies) {
  double const longest_kept = desc.original_max / desc.high_freq_factor;
  double const shortest_stretched = desc.original_max / desc.low_freq_factor;
  for (double& f : frequencies) {
    double const wave = 2 * kPi / f;
    if (wave < longest_kept) continue;
    double const kept = (desc.original_max / wave - desc.low_freq_factor) /
                        (desc.high_freq_factor - desc.low_freq_factor);
    f = wave > shortest_stretched ? f / desc.factor : (1 - kept) * f / desc.factor + kept * f;
  }
}

/// The pair, as a real number, that turns `rotations` times over the original length.
double yarn_pair(RopeDesc const& desc, double rotations) {
  return static_cast<double>(desc.rotary_dim) *
         std::log(desc.original_max / (2 * kPi * rotations)) / (2 * std::log(desc.theta));
}

void scale_yarn(RopeDesc const& desc, std::vector<double>& frequencies) {
  double low = yarn_pair(desc, desc.beta_fast), high = yarn_pair(desc, desc.beta_slow);
  if (desc.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  double const last = static_cast<double>(desc.rotary_dim - 1);
  low = std::clamp(low, 0.0, last);
  high = std::clamp(high, 0.0, last);
  if (low == high) high += 0.001;
  for (size_t t = 0; t < frequencies.size(); ++t) {
    double const ramp = std::clamp((static_cast<double>(t) - low) / (high - low), 0.0, 1.0);
    frequencies[t] = frequencies[t] * (1 - ramp) + frequencies[t] / desc.factor * ramp;
  }
}

void scale_longrope(RopeDesc const& desc, std::vector<double>& frequencies) {
  auto const& divisors =
      desc.current_length > desc.original_max ? desc.long_factors : desc.short_factors;
  for (size_t t = 0; t < frequencies.size(); ++t) frequencies[t] /= divisors[t];
}

double yarn_magnitude(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

double attention_factor(RopeDesc const& desc) {
  if (desc.attention_factor != 0) return desc.attention_factor;
  if (desc.scaling == RopeScaling::kYarn) {
    if (desc.mscale != 0 && desc.mscale_all_dim != 0)
      return yarn_magnitude(desc.factor, desc.mscale) /
             yarn_magnitude(desc.factor, desc.mscale_all_dim);
    return yarn_magnitude(desc.factor, 1);
  }
  if (desc.scaling == RopeScaling::kLongRope && desc.factor > 1)
    return std::sqrt(1 + std::log(desc.factor) / std::log(desc.original_max));
  return 1;
}

void check_divisors(char const* name, std::vector<double> const& divisors, int64_t pairs) {
  check(static_cast<int64_t>(divisors.size()) == pairs, ErrorCode::kArgumentValue, "rope: ", name,
        " has ", divisors.size(), " numbers, expected rotaryDim / 2 = ", pairs);
  for (double const divisor : divisors) check_positive(name, divisor);
}

void check_yarn(RopeDesc const& desc) {
  check_positive("scaling.betaFast", desc.beta_fast);
  check_positive("scaling.betaSlow", desc.beta_slow);
  check(desc.beta_fast >= desc.beta_slow, ErrorCode::kArgumentValue, "rope: scaling.betaFast ",
        desc.beta_fast, " is below scaling.betaSlow ", desc.beta_slow);
  check(desc.theta > 1, ErrorCode::kArgumentValue, "rope: 'yarn' needs theta > 1, got ",
        desc.theta);
  for (double const mscale : {desc.mscale, desc.mscale_all_dim})
    check(std::isfinite(mscale) && mscale >= 0, ErrorCode::kArgumentValue,
          "rope: scaling.mscale is ", mscale, ", expected a finite number >= 0");
}

void check_scaling(RopeDesc const& desc) {
  check_positive("scaling.factor", desc.factor);
  switch (desc.scaling) {
    case RopeScaling::kNone:
    case RopeScaling::kLinear:
    case RopeScaling::kProportional:
      return;
    case RopeScaling::kDynamicNtk:
      check_positive("scaling.originalMax", desc.original_max);
      return check(desc.factor >= 1, ErrorCode::kArgumentValue,
                   "rope: 'dynamic-ntk' needs scaling.factor >= 1, got ", desc.factor);
    case RopeScaling::kLlama3:
      check_positive("scaling.originalMax", desc.original_max);
      check_positive("scaling.lowFreqFactor", desc.low_freq_factor);
      return check(
          std::isfinite(desc.high_freq_factor) && desc.high_freq_factor > desc.low_freq_factor,
          ErrorCode::kArgumentValue, "rope: scaling.highFreqFactor is ", desc.high_freq_factor,
          ", expected more than scaling.lowFreqFactor ", desc.low_freq_factor);
    case RopeScaling::kYarn:
      check_positive("scaling.originalMax", desc.original_max);
      return check_yarn(desc);
    case RopeScaling::kLongRope:
      check(std::isfinite(desc.original_max) && desc.original_max > 1, ErrorCode::kArgumentValue,
            "rope: scaling.originalMax is ", desc.original_max, ", expected a finite number > 1");
      check_divisors("scaling.shortFactors", desc.short_factors, desc.rotary_dim / 2);
      return check_divisors("scaling.longFactors", desc.long_factors, desc.rotary_dim / 2);
  }
  throw Error(ErrorCode::kArgumentValue, "rope: unknown scaling.type");
}

void check_rope_description(RopeDesc const& desc, int64_t head_dim) {
  check_widths(desc, head_dim);
  check_positive("theta", desc.theta);
  check(desc.pairing <= RopePairing::kDeinterleaved, ErrorCode::kArgumentValue,
        "rope: unknown pairing ", static_cast<int>(desc.pairing));
  check(desc.position_offset >= -kMaxOffset && desc.position_offset <= kMaxOffset,
        ErrorCode::kArgumentValue, "rope: offset is ", desc.position_offset);
  check(std::isfinite(desc.attention_factor) && desc.attention_factor >= 0,
        ErrorCode::kArgumentValue, "rope: scaling.attentionFactor is ", desc.attention_factor,
        ", expected a finite number >= 0");
  check(std::isfinite(desc.current_length) && desc.current_length >= 0, ErrorCode::kArgumentValue,
        "rope: scaling.currentLength is ", desc.current_length, ", expected a finite number >= 0");
  check_scaling(desc);
}

}  // namespace

RopeFrequencies rope_frequencies(RopeDesc const& desc, int64_t head_dim) {
  check_rope_description(desc, head_dim);
  int64_t const pairs = desc.rotary_dim / 2;
  RopeFrequencies result;
  result.attention_factor = attention_factor(desc);
  auto& frequencies = result.per_position;
  if (desc.scaling == RopeScaling::kProportional) {
    frequencies = plain_frequencies(desc.theta, head_dim, pairs);
    for (double& f : frequencies) f /= desc.factor;
    frequencies.resize(static_cast<size_t>(head_dim / 2), 0.0);
    return result;
  }
  double const theta = desc.scaling == RopeScaling::kDynamicNtk ? dynamic_theta(desc) : desc.theta;
  frequencies = plain_frequencies(theta, desc.rotary_dim, pairs);
  if (desc.scaling == RopeScaling::kLinear)
    for (double& f : frequencies) f /= desc.factor;
  if (desc.scaling == RopeScaling::kLlama3) scale_llama3(desc, frequencies);
  if (desc.scaling == RopeScaling::kYarn) scale_yarn(desc, frequencies);
  if (desc.scaling == RopeScaling::kLongRope) scale_longrope(desc, frequencies);
  return result;
}

void check_rope(RopeDesc const& desc, RopeArgs& args) {
  check(args.x.defined(), ErrorCode::kDisposed, "x has no storage");
  check(is_float(args.x.dtype), ErrorCode::kDType, "x is ", name_of(args.x.dtype),
        ", expected float32, float16 or bfloat16");
  int const rank = args.x.rank();
  check(rank == 3 || rank == 4, ErrorCode::kShape, "x is ", args.x.sizes,
        ", expected [b, s, h, d] or [t, h, d]");
  Operands const operands(args.x.device());
  operands.expect_inside("x", args.x);
  operands.expect("out", args.out, args.x.dtype, args.x.sizes);
  check_last_axis("x", args.x);
  check_last_axis("out", args.out);
  check_distinct("out", args.out);
  check_in_place_or_disjoint("out", args.out, "x", args.x);
  check_apart("out", args.out, "positions", args.positions);
  operands.expect_broadcast(
      "positions", args.positions, DType::i32,
      rank == 3 ? Extents{args.x.sizes[0]} : Extents{args.x.sizes[0], args.x.sizes[1]});
  check_rope_description(desc, args.x.sizes[rank - 1]);
}

}  // namespace fattn
