#include <functional>

#include "core/ops/linear.h"
#include "core/ops/merged_rows.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

LinearArgs sound() {
  LinearArgs args;
  args.x = host_view(DType::bf16, {2, 3, 5});
  args.w = host_view(DType::bf16, {7, 5});
  args.bias = host_view(DType::bf16, {7});
  args.out = host_view(DType::bf16, {2, 3, 7});
  return args;
}

}  // namespace

TEST(linear_reads_sizes_from_its_tensors) {
  LinearArgs args = sound();
  LinearDesc const desc = describe_linear(args, Precision::kStorage);
  expect(desc.dtype == DType::bf16);
  expect_equal(desc.rows, int64_t{6});
  expect_equal(desc.in, int64_t{5});
  expect_equal(desc.columns, int64_t{7});
  check_linear(desc, args);
  args.bias = {};
  check_linear(desc, args);
  args.x.strides[0] = 0;  // repeated rows are read, not written
  check_linear(desc, args);
}

TEST(linear_check_refuses_each_flaw) {
  auto const refused = [](ErrorCode code, std::string const& part,
                          std::function<void(LinearArgs&)> const& flaw,
                          Precision precision = Precision::kStorage) {
    LinearArgs args = sound();
    flaw(args);
    expect_throws(
        code, [&] { check_linear(describe_linear(args, precision), args); }, part);
  };
  refused(ErrorCode::kDisposed, "x", [](LinearArgs& a) { a.x = {}; });
  refused(ErrorCode::kDisposed, "w", [](LinearArgs& a) { a.w = {}; });
  refused(ErrorCode::kDisposed, "out", [](LinearArgs& a) { a.out = {}; });
  refused(ErrorCode::kShape, "x", [](LinearArgs& a) { a.x = host_view(DType::bf16, {}); });
  refused(ErrorCode::kShape, "x", [](LinearArgs& a) { a.x = host_view(DType::bf16, {2, 3, 6}); });
  refused(ErrorCode::kShape, "w", [](LinearArgs& a) { a.w = host_view(DType::bf16, {7, 5, 1}); });
  refused(ErrorCode::kShape, "bias", [](LinearArgs& a) { a.bias = host_view(DType::bf16, {5}); });
  refused(ErrorCode::kShape, "out", [](LinearArgs& a) {
    a.out = host_view(DType::bf16, {3, 2, 7});
  });
  refused(ErrorCode::kDType, "x", [](LinearArgs& a) { a.x = host_view(DType::i32, {2, 3, 5}); });
  refused(ErrorCode::kDType, "w", [](LinearArgs& a) { a.w.dtype = DType::f16; });
  refused(ErrorCode::kDType, "bias", [](LinearArgs& a) { a.bias.dtype = DType::f16; });
  refused(ErrorCode::kLayout, "x", [](LinearArgs& a) {
    a.x = host_view(DType::bf16, {2, 3, 10});
    a.x.sizes[2] = 5, a.x.strides[2] = 2;
  });
  refused(ErrorCode::kLayout, "w", [](LinearArgs& a) { a.w.strides = {1, 7}; });
  refused(ErrorCode::kLayout, "bias", [](LinearArgs& a) { a.bias.strides[0] = 0; });
  refused(ErrorCode::kLayout, "out", [](LinearArgs& a) { a.out.strides[0] = 0; });
  refused(ErrorCode::kOption, "x", [](LinearArgs& a) { a.x.storage = a.out.storage; });
  refused(ErrorCode::kOption, "w", [](LinearArgs& a) { a.w.storage = a.out.storage; });
  refused(ErrorCode::kOption, "bias", [](LinearArgs& a) { a.bias.storage = a.out.storage; });
  refused(ErrorCode::kBounds, "w", [](LinearArgs& a) { a.w.offset = 1; });
  refused(ErrorCode::kDevice, "bias", [](LinearArgs& a) {
    a.bias = host_view(DType::bf16, {7}, {DeviceKind::cuda, 0});
  });
  refused(
      ErrorCode::kOption, "precision", [](LinearArgs&) {}, Precision::kBFloat16);
}

TEST(linear_merges_axes_that_follow_one_another) {
  TensorView view = host_view(DType::f32, {2, 3, 1, 4, 5});
  TensorView merged = with_merged_rows(view);
  expect(merged.sizes == Extents({24, 5}) && merged.strides == Extents({5, 1}));
  view.strides[0] = 100;  // a gap behind each of the two
  merged = with_merged_rows(view);
  expect(merged.sizes == Extents({2, 12, 5}) && merged.strides == Extents({100, 5, 1}));
  view.strides = {0, 0, 0, 5, 1};  // repeated axes are one behind the other too
  merged = with_merged_rows(view);
  expect(merged.sizes == Extents({6, 4, 5}) && merged.strides == Extents({0, 5, 1}));
  expect(with_merged_rows(host_view(DType::f32, {5})).sizes == Extents({5}));
  expect(with_merged_rows(host_view(DType::f32, {1, 1, 5})).sizes == Extents({5}));
}

TEST(linear_cost_counts_every_element_once) {
  LinearDesc desc;
  desc.dtype = DType::bf16;
  desc.rows = 6;
  desc.in = 5;
  desc.columns = 7;
  LinearCost const plain = linear_cost(desc, false), biased = linear_cost(desc, true);
  expect_equal(plain.flops, 2.0 * 6 * 5 * 7);
  expect_equal(plain.bytes, 2.0 * (6 * 5 + 5 * 7 + 6 * 7));
  expect_equal(biased.bytes, plain.bytes + 2 * 7);
  desc.rows = -1;
  expect_throws(
      ErrorCode::kShape, [&] { linear_cost(desc, false); }, "rows");
}
