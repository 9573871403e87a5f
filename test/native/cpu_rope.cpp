#include <cmath>

#include "backends/cpu/elementwise_rope.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;

void rope(Threads& threads, RopeDesc const& desc, RopeArgs args) {
  check_rope(desc, args);
  threads.run([&](JobContext& job) { cpu::run_rope(job, desc, args); });
}

RopeDesc described(int64_t rotary_dim, RopePairing pairing = RopePairing::kHalfSplit) {
  RopeDesc desc;
  desc.rotary_dim = rotary_dim;
  desc.pairing = pairing;
  return desc;
}

double position_of(RopeDesc const& desc, RopeArgs const& args, int64_t b, int64_t s) {
  double own = static_cast<double>(s);
  if (args.positions.defined()) {
    TensorView const all =
        broadcast("positions", args.positions, {args.x.sizes[0], args.x.sizes[1]});
    own = all.data<int32_t>()[b * all.strides[0] + s * all.strides[1]];
  }
  return own + static_cast<double>(desc.position_offset);
}

/// The definition of attention-variants 2.7, row by row, in double. `x` must still hold the input.
void expect_rotated(RopeDesc const& desc, RopeArgs const& args, TensorView const& x) {
  Extents const& n = x.sizes;
  double const ulp = x.dtype == DType::f32 ? 3e-7 : x.dtype == DType::f16 ? 1e-3 : 8e-3;
  RopeFrequencies const f = rope_frequencies(desc, n[3]);
  int64_t const pairs = static_cast<int64_t>(f.per_position.size());
  for (int64_t b = 0; b < n[0]; ++b)
    for (int64_t s = 0; s < n[1]; ++s)
      for (int64_t h = 0; h < n[2]; ++h) {
        std::vector<double> row, out;
        for (int64_t c = 0; c < n[3]; ++c) row.push_back(value_at(x, {b, s, h, c}));
        out = row;
        for (int64_t t = 0; t < pairs; ++t) {
          size_t const at = static_cast<size_t>(t), half = static_cast<size_t>(pairs);
          double const angle = position_of(desc, args, b, s) * f.per_position[at];
          double const cos = std::cos(angle) * f.attention_factor;
          double const sin = std::sin(desc.inverse ? -angle : angle) * f.attention_factor;
          bool const reads_halves = desc.pairing == RopePairing::kHalfSplit;
          bool const writes_halves = desc.pairing != RopePairing::kInterleaved;
          double const u = row[reads_halves ? at : 2 * at];
          double const w = row[reads_halves ? at + half : 2 * at + 1];
          out[writes_halves ? at : 2 * at] = u * cos - w * sin;
          out[writes_halves ? at + half : 2 * at + 1] = w * cos + u * sin;
        }
        for (int64_t c = 0; c < n[3]; ++c)
          expect_near(value_at(args.out, {b, s, h, c}), out[static_cast<size_t>(c)],
                      ulp * (1 + std::fabs(out[static_cast<size_t>(c)])));
      }
}

}  // namespace

TEST(rope_of_every_pairing_and_dtype) {
  Threads threads(2);
  for (auto pairing :
       {RopePairing::kHalfSplit, RopePairing::kInterleaved, RopePairing::kDeinterleaved})
    for (DType dtype : kFloats)
      for (int64_t rotary : {2, 6, 12}) {
        RopeDesc desc = described(rotary, pairing);
        for (bool inverse : {false, true}) {
          desc.inverse = inverse;
          RopeArgs const args{
              random_view(dtype, {2, 9, 3, 12}, 1), host_view(dtype, {2, 9, 3, 12}), {}};
          rope(threads, desc, args);
          expect_rotated(desc, args, args.x);
        }
      }
}

TEST(rope_in_place_equals_rope_beside) {
  Threads threads(2);
  for (auto pairing :
       {RopePairing::kHalfSplit, RopePairing::kInterleaved, RopePairing::kDeinterleaved}) {
    TensorView const x = random_view(DType::f32, {1, 30, 2, 10}, 2);
    TensorView const beside = host_view(DType::f32, x.sizes);
    rope(threads, described(8, pairing), {x, beside, {}});
    rope(threads, described(8, pairing), {x, x, {}});
    expect(bytes_of(x) == bytes_of(beside), "not the same bits");
  }
}

TEST(rope_undone_by_its_inverse) {
  Threads threads(1);
  for (auto pairing : {RopePairing::kHalfSplit, RopePairing::kInterleaved}) {
    TensorView const x = random_view(DType::f32, {1, 40, 2, 64}, 3);
    TensorView const there = host_view(DType::f32, x.sizes), back = host_view(DType::f32, x.sizes);
    RopeDesc desc = described(64, pairing);
    rope(threads, desc, {x, there, {}});
    desc.inverse = true;
    rope(threads, desc, {there, back, {}});
    for (int64_t i = 0; i < x.elements(); ++i)
      expect_near(back.data<float>()[i], x.data<float>()[i], 1e-6);
  }
}

TEST(rope_at_given_positions) {
  Threads threads(2);
  RopeDesc desc = described(16);
  desc.position_offset = 3;
  TensorView const x = random_view(DType::f32, {2, 5, 2, 16}, 4);
  TensorView const each = host_view(DType::i32, {2, 5}), shared = host_view(DType::i32, {5});
  for (int i = 0; i < 10; ++i) each.data<int32_t>()[i] = (i * 7919) % 131072;
  for (int i = 0; i < 5; ++i) shared.data<int32_t>()[i] = 1000000 - 333 * i;
  for (TensorView const& positions : {each, shared}) {
    RopeArgs const args{x, host_view(DType::f32, x.sizes), positions};
    rope(threads, desc, args);
    expect_rotated(desc, args, x);
  }
}

TEST(rope_beyond_the_fast_reduction) {
  Threads threads(1);
  RopeDesc desc = described(4);
  desc.position_offset = int64_t{1} << 40;
  RopeArgs const args{
      random_view(DType::f32, {1, 3, 1, 4}, 5), host_view(DType::f32, {1, 3, 1, 4}), {}};
  rope(threads, desc, args);
  expect_rotated(desc, args, args.x);
}

TEST(rope_with_an_attention_factor_and_still_pairs) {
  Threads threads(1);
  TensorView const x = random_view(DType::f32, {1, 6, 2, 16}, 6);
  RopeDesc yarn = described(16);
  yarn.scaling = RopeScaling::kYarn;
  yarn.factor = 4;
  yarn.original_max = 32;
  RopeDesc proportional = described(8);
  proportional.scaling = RopeScaling::kProportional;
  for (RopeDesc desc : {yarn, proportional})
    for (bool inverse : {false, true}) {
      desc.inverse = inverse;
      RopeArgs const args{x, host_view(DType::f32, x.sizes), {}};
      rope(threads, desc, args);
      expect_rotated(desc, args, x);
    }
}

TEST(rope_of_views_and_packed_tokens) {
  Threads threads(2);
  RopeDesc const desc = described(8);
  TensorView const x = transposed(random_view(DType::bf16, {2, 3, 7, 8}, 7), 1, 2);
  RopeArgs const args{x, transposed(host_view(DType::bf16, {7, 2, 3, 8}), 0, 1), {}};
  rope(threads, desc, args);
  expect_rotated(desc, args, x);

  TensorView const dense = random_view(DType::f32, {1, 13, 2, 8}, 8);
  TensorView packed = dense;
  packed.sizes = {13, 2, 8};
  packed.strides = contiguous_strides(packed.sizes);
  TensorView const a = host_view(DType::f32, dense.sizes), b = host_view(DType::f32, packed.sizes);
  rope(threads, desc, {dense, a, {}});
  rope(threads, desc, {packed, b, {}});
  expect(bytes_of(a) == bytes_of(b), "packed differs from dense");
}

TEST(rope_gives_the_same_bits_for_any_thread_count) {
  TensorView const x = random_view(DType::f16, {2, 400, 4, 64}, 9);
  std::vector<char> first;
  for (int count = 1; count <= 8; ++count) {
    Threads threads(count);
    TensorView const out = host_view(DType::f16, x.sizes);
    rope(threads, described(64), {x, out, {}});
    if (count == 1) first = bytes_of(out);
    expect(bytes_of(out) == first, "bits depend on the thread count");
  }
}

}  // namespace fattn::test
