// Rope: frequencies at numbers worked out by hand from attention-variants 2.7, and what is refused.

#include <cmath>

#include "core/ops/rope.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

constexpr double kPi = 3.14159265358979323846;

RopeDesc description(int64_t rotary_dim, double theta, RopeScaling scaling = RopeScaling::kNone) {
  RopeDesc desc;
  desc.rotary_dim = rotary_dim;
  desc.theta = theta;
  desc.scaling = scaling;
  return desc;
}

double plain(double theta, double t, double width) { return std::pow(theta, -2 * t / width); }

void expect_frequency(RopeFrequencies const& actual, size_t t, double expected) {
  expect_near(actual.per_position[t], expected, 1e-14 * expected, "pair " + std::to_string(t));
}

}  // namespace

TEST(rope_plain_linear_and_proportional) {
  auto const none = rope_frequencies(description(8, 10000), 8);
  expect_equal(none.per_position.size(), size_t{4});
  for (size_t t = 0; t < 4; ++t) expect_frequency(none, t, std::pow(10.0, -static_cast<double>(t)));
  expect_equal(none.attention_factor, 1.0);

  RopeDesc linear = description(8, 10000, RopeScaling::kLinear);
  linear.factor = 4;
  expect_frequency(rope_frequencies(linear, 16), 2, 0.0025);

  // A quarter of d = 16 turns: two pairs, on the frequencies of the full width, paired over all of
  // d.
  RopeDesc proportional = description(4, 10000, RopeScaling::kProportional);
  proportional.factor = 2;
  auto const wide = rope_frequencies(proportional, 16);
  expect_equal(wide.per_position.size(), size_t{8});
  expect_frequency(wide, 1, plain(10000, 1, 16) / 2);
  for (size_t t = 2; t < 8; ++t) expect_equal(wide.per_position[t], 0.0);
}

TEST(rope_dynamic_ntk_grows_theta_past_the_trained_length) {
  RopeDesc desc = description(16, 10000, RopeScaling::kDynamicNtk);
  desc.factor = 2;
  desc.original_max = 100;
  desc.current_length = 100;
  expect_frequency(rope_frequencies(desc, 16), 3, plain(10000, 3, 16));
  desc.current_length = 150;  // 2 * 150 / 100 - 1 = 2
  expect_frequency(rope_frequencies(desc, 16), 3, plain(10000 * std::pow(2.0, 16.0 / 14), 3, 16));
  desc.rotary_dim = 2;
  expect_frequency(rope_frequencies(desc, 2), 0, 1);
}

TEST(rope_llama3_keeps_blends_and_stretches) {
  RopeDesc desc = description(128, 500000, RopeScaling::kLlama3);
  desc.factor = 8;
  desc.original_max = 8192;
  auto const frequencies = rope_frequencies(desc, 128);
  bool kept = false, blended = false, stretched = false;
  for (size_t t = 0; t < 64; ++t) {
    double const f = plain(500000, static_cast<double>(t), 128), wave = 2 * kPi / f;
    double expected = f;
    if (wave > 8192) {
      expected = f / 8;
      stretched = true;
    } else if (wave >= 2048) {
      double const g = (8192 / wave - 1) / 3;
      expected = (1 - g) * f / 8 + g * f;
      blended = true;
    } else {
      kept = true;
    }
    expect_frequency(frequencies, t, expected);
  }
  expect(kept && blended && stretched, "all three ranges are met");
}

TEST(rope_yarn_ramps_between_two_pairs) {
  // r = 64, theta = 10^4, L0 = 4096: dim(32) = 10.47, dim(1) = 22.51.
  RopeDesc desc = description(64, 10000, RopeScaling::kYarn);
  desc.factor = 40;
  desc.original_max = 4096;
  auto const f = [](double t) { return plain(10000, t, 64); };
  auto const truncated = rope_frequencies(desc, 64);
  expect_frequency(truncated, 10, f(10));
  expect_frequency(truncated, 15, f(15) * (8.0 / 13 + 5.0 / 13 / 40));
  expect_frequency(truncated, 23, f(23) / 40);
  expect_near(truncated.attention_factor, 1.3688879454113936, 1e-15);

  desc.truncate = false;
  double const low = 64 * std::log(4096 / (64 * kPi)) / (2 * std::log(10000.0));
  double const high = 64 * std::log(4096 / (2 * kPi)) / (2 * std::log(10000.0));
  double const ramp = (15 - low) / (high - low);
  expect_frequency(rope_frequencies(desc, 64), 15, f(15) * (1 - ramp + ramp / 40));

  desc.mscale = 1;
  desc.mscale_all_dim = 0.5;
  expect_near(rope_frequencies(desc, 64).attention_factor, 1.3688879454113936 / 1.1844439727056968,
              1e-15);
  desc.attention_factor = 3;
  expect_equal(rope_frequencies(desc, 64).attention_factor, 3.0);
}

TEST(rope_yarn_with_equal_limits_still_divides) {
  RopeDesc desc = description(4, 10000, RopeScaling::kYarn);
  desc.factor = 2;
  desc.original_max = 1;  // every wave is longer: both limits clamp to 0
  auto const frequencies = rope_frequencies(desc, 4);
  expect_frequency(frequencies, 0, 1);
  expect_frequency(frequencies, 1, 0.005);
}

TEST(rope_longrope_chooses_its_list_by_length) {
  RopeDesc desc = description(4, 10000, RopeScaling::kLongRope);
  desc.factor = 32;
  desc.original_max = 4096;
  desc.short_factors = {1, 2};
  desc.long_factors = {4, 5};
  desc.current_length = 4096;
  auto const near = rope_frequencies(desc, 4);
  expect_frequency(near, 1, 0.01 / 2);
  expect_near(near.attention_factor, std::sqrt(1 + 5.0 / 12), 1e-15);  // ln 32 / ln 4096
  desc.current_length = 4097;
  expect_frequency(rope_frequencies(desc, 4), 0, 0.25);
  desc.factor = 1;
  expect_equal(rope_frequencies(desc, 4).attention_factor, 1.0);
  desc.long_factors = {4};
  expect_throws(
      ErrorCode::kArgumentValue, [&] { rope_frequencies(desc, 4); }, "scaling.longFactors");
}

TEST(rope_refuses_wrong_numbers) {
  auto const refused = [](RopeDesc desc, void (*flaw)(RopeDesc&)) {
    flaw(desc);
    expect_throws(ErrorCode::kArgumentValue, [&] { rope_frequencies(desc, 8); });
  };
  RopeDesc const fine = description(8, 10000, RopeScaling::kYarn);
  refused(fine, [](RopeDesc& d) { d.rotary_dim = 3; });
  refused(fine, [](RopeDesc& d) { d.rotary_dim = 10; });
  refused(fine, [](RopeDesc& d) { d.rotary_dim = 0; });
  refused(fine, [](RopeDesc& d) { d.theta = -1; });
  refused(fine, [](RopeDesc& d) { d.theta = 1; });
  refused(fine, [](RopeDesc& d) { d.factor = 0; });
  refused(fine, [](RopeDesc& d) { d.original_max = 0; });
  refused(fine, [](RopeDesc& d) { d.beta_slow = NAN; });
  refused(fine, [](RopeDesc& d) { d.scaling = static_cast<RopeScaling>(9); });
  refused(fine, [](RopeDesc& d) { d.pairing = static_cast<RopePairing>(9); });
  refused(description(8, 10000, RopeScaling::kLlama3), [](RopeDesc& d) {
    d.original_max = 8;
    d.high_freq_factor = 1;
  });
}

TEST(rope_checks_its_tensors) {
  RopeDesc const desc = description(4, 10000);
  auto const call = [] {
    RopeArgs args;
    args.x = host_view(DType::f16, {2, 3, 4, 6});
    args.out = host_view(DType::f16, {2, 3, 4, 6});
    args.positions = host_view(DType::i32, {3});
    return args;
  };
  RopeArgs fine = call();
  check_rope(desc, fine);
  expect(fine.positions.sizes == Extents({2, 3}) && fine.positions.strides == Extents({0, 1}));
  fine.out = fine.x;
  check_rope(desc, fine);

  auto const refused = [&](ErrorCode code, std::function<void(RopeArgs&)> const& flaw) {
    RopeArgs args = call();
    flaw(args);
    expect_throws(code, [&] { check_rope(desc, args); });
  };
  refused(ErrorCode::kDType, [](RopeArgs& a) { a.x.dtype = DType::i32; });
  refused(ErrorCode::kShape, [](RopeArgs& a) { a.positions = host_view(DType::i32, {4}); });
  refused(ErrorCode::kDType, [](RopeArgs& a) { a.positions.dtype = DType::f32; });
  refused(ErrorCode::kLayout, [](RopeArgs& a) { a.out.strides[2] = 0; });
  refused(ErrorCode::kOption, [](RopeArgs& a) {
    a.x = host_view(DType::f16, {2, 3, 4, 12});
    a.x.sizes[3] = 6;
    a.out = a.x;
    a.out.offset = 1;
  });
  refused(ErrorCode::kDisposed, [](RopeArgs& a) { a.out = {}; });
}
