#include <functional>

#include "core/ops/compressed_conv.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

// b 2, s 5, hQ 4, hKv 2, d 6, K1 3, K2 2: 36 channels, 6 values in each half.
CompressedConvArgs sound() {
  CompressedConvArgs args;
  args.latent = host_view(DType::f16, {2, 5, 36});
  args.value = host_view(DType::f16, {2, 5, 6});
  args.delayed = host_view(DType::f16, {2, 5, 6});
  args.w1 = host_view(DType::f32, {36, 3});
  args.b1 = host_view(DType::f16, {36});
  args.w2 = host_view(DType::f16, {36, 6, 2});
  args.b2 = host_view(DType::f32, {36});
  args.temperature = host_view(DType::f32, {2});
  args.delayed_bias = host_view(DType::f16, {6});
  args.positions = host_view(DType::i32, {5});
  args.lengths = host_view(DType::i32, {2});
  args.history = host_view(DType::f16, {2, 3, 36});
  args.delayed_history = host_view(DType::f16, {2, 6});
  args.q = host_view(DType::f16, {2, 5, 4, 6});
  args.k = host_view(DType::f16, {2, 5, 2, 6});
  args.v = host_view(DType::f16, {2, 5, 2, 6});
  args.in_use = host_view(DType::f32, {2, 5});
  args.next_history = host_view(DType::f16, {2, 3, 36});
  args.next_delayed = host_view(DType::f16, {2, 6});
  return args;
}

CompressedConvDesc described(CompressedConvArgs const& args) {
  CompressedConvDesc desc;
  describe_compressed_conv(args, desc);
  desc.rope.rotary_dim = desc.head_dim;
  return desc;
}

}  // namespace

TEST(compressed_conv_reads_sizes_from_its_tensors) {
  CompressedConvArgs args = sound();
  CompressedConvDesc const desc = described(args);
  expect(desc.dtype == DType::f16 && !desc.packed);
  expect_equal(desc.batch, int64_t{2});
  expect_equal(desc.seq, int64_t{5});
  expect_equal(desc.heads_q, int64_t{4});
  expect_equal(desc.heads_kv, int64_t{2});
  expect_equal(desc.head_dim, int64_t{6});
  expect_equal(desc.taps_1, int64_t{3});
  expect_equal(desc.taps_2, int64_t{2});
  check_compressed_conv(desc, args);
  expect(args.positions.sizes == Extents{2, 5}, "positions are broadcast");
  for (auto member : {&CompressedConvArgs::b1, &CompressedConvArgs::b2,
                      &CompressedConvArgs::positions, &CompressedConvArgs::history,
                      &CompressedConvArgs::next_history, &CompressedConvArgs::in_use})
    args.*member = {};
  check_compressed_conv(desc, args);
}

TEST(compressed_conv_check_refuses_each_flaw) {
  auto const refused = [](ErrorCode code, std::string const& part,
                          std::function<void(CompressedConvArgs&)> const& flaw) {
    CompressedConvArgs args = sound();
    flaw(args);
    expect_throws(
        code, [&] { check_compressed_conv(described(args), args); }, part);
  };
  using Args = CompressedConvArgs;
  refused(ErrorCode::kDisposed, "no storage", [](Args& a) { a.latent = {}; });
  refused(ErrorCode::kDisposed, "no storage", [](Args& a) { a.delayed = {}; });
  refused(ErrorCode::kDisposed, "temperature", [](Args& a) { a.temperature = {}; });
  refused(ErrorCode::kShape, "latent", [](Args& a) { a.latent.sizes[2] = 30; });
  refused(ErrorCode::kShape, "value", [](Args& a) { a.value = host_view(DType::f16, {2, 5, 12}); });
  refused(ErrorCode::kShape, "multiple", [](Args& a) {
    a.q = host_view(DType::f16, {2, 5, 3, 6});
  });
  refused(ErrorCode::kShape, "w2", [](Args& a) { a.w2 = host_view(DType::f16, {36, 5, 2}); });
  refused(ErrorCode::kShape, "history", [](Args& a) {
    a.history = host_view(DType::f16, {2, 2, 36});
  });
  refused(ErrorCode::kShape, "v", [](Args& a) { a.v = host_view(DType::f16, {2, 5, 4, 6}); });
  refused(ErrorCode::kUnsupported, "9 taps", [](Args& a) {
    a.w1 = host_view(DType::f32, {36, 9});
  });
  refused(ErrorCode::kDType, "latent", [](Args& a) { a.latent.dtype = DType::i32; });
  refused(ErrorCode::kDType, "b1", [](Args& a) { a.b1.dtype = DType::bf16; });
  refused(ErrorCode::kDType, "k", [](Args& a) { a.k.dtype = DType::bf16; });
  refused(ErrorCode::kLayout, "w2", [](Args& a) { a.w2.strides = {12, 1, 6}; });
  refused(ErrorCode::kLayout, "output", [](Args& a) { a.q.strides[0] = 0; });
  refused(ErrorCode::kBounds, "b2", [](Args& a) { a.b2.offset = 1; });
  refused(ErrorCode::kOption, "input", [](Args& a) { a.next_history.storage = a.history.storage; });
  refused(ErrorCode::kOption, "overlap", [](Args& a) { a.v = a.k; });
  refused(ErrorCode::kDevice, "w1", [](Args& a) {
    a.w1 = host_view(DType::f32, {36, 3}, {DeviceKind::cuda, 0});
  });
}
