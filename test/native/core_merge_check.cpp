#include <functional>

#include "core/ops/merge_attention.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

MergeArgs sound() {
  MergeArgs args;
  for (int i = 0; i < 2; ++i) {
    MergePart part;
    part.out = host_view(DType::bf16, {2, 3, 4, 5});
    part.lse = host_view(DType::f32, {2, 4, 3});
    args.parts.push_back(part);
  }
  args.parts[1].lse = {};
  args.parts[1].weight = host_view(DType::f32, {4, 1});
  args.sinks = host_view(DType::f32, {4});
  args.gate = host_view(DType::f32, {1});
  args.out = host_view(DType::bf16, {2, 3, 4, 5});
  args.lse = host_view(DType::f32, {2, 4, 3});
  return args;
}

}  // namespace

TEST(merge_check_broadcasts_weights) {
  MergeArgs args = sound();
  check_merge_attention(args);
  expect(args.parts[1].weight.strides == Extents({0, 1, 0}));
  expect(args.gate.sizes == Extents({2, 4, 3}));
  MergeArgs packed;
  packed.parts.resize(1);
  packed.parts[0].out = host_view(DType::f32, {3, 4, 5});
  packed.parts[0].lse = host_view(DType::f32, {4, 3});
  packed.out = host_view(DType::f32, {3, 4, 5});
  check_merge_attention(packed);
}

TEST(merge_check_refuses_each_flaw) {
  auto const refused = [](ErrorCode code, std::string const& part,
                          std::function<void(MergeArgs&)> const& flaw) {
    MergeArgs args = sound();
    flaw(args);
    expect_throws(
        code, [&] { check_merge_attention(args); }, part);
  };
  refused(ErrorCode::kArgumentValue, "nothing", [](MergeArgs& a) { a.parts.clear(); });
  refused(ErrorCode::kOption, "parts[0]", [](MergeArgs& a) { a.parts[0].lse = {}; });
  refused(ErrorCode::kShape, "parts[1].out", [](MergeArgs& a) {
    a.parts[1].out = host_view(DType::bf16, {2, 3, 4, 6});
  });
  refused(ErrorCode::kDType, "parts[1].out",
          [](MergeArgs& a) { a.parts[1].out.dtype = DType::f16; });
  refused(ErrorCode::kShape, "parts[0].lse", [](MergeArgs& a) {
    a.parts[0].lse = host_view(DType::f32, {2, 3, 4});
  });
  refused(ErrorCode::kShape, "parts[1].weight", [](MergeArgs& a) {
    a.parts[1].weight = host_view(DType::f32, {3, 3});
  });
  refused(ErrorCode::kOption, "parts[0].out",
          [](MergeArgs& a) { a.parts[0].out.storage = a.out.storage; });
  refused(ErrorCode::kOption, "parts[0].lse",
          [](MergeArgs& a) { a.parts[0].lse.storage = a.lse.storage; });
  refused(ErrorCode::kOption, "share", [](MergeArgs& a) { a.lse.storage = a.out.storage; });
  refused(ErrorCode::kLayout, "out", [](MergeArgs& a) { a.out.strides[0] = 0; });
  refused(ErrorCode::kShape, "sinks", [](MergeArgs& a) { a.sinks = host_view(DType::f32, {3}); });
  refused(ErrorCode::kShape, "out", [](MergeArgs& a) { a.out = host_view(DType::bf16, {4, 5}); });
  refused(ErrorCode::kBounds, "parts[0].out", [](MergeArgs& a) { a.parts[0].out.offset = 1; });
  refused(ErrorCode::kDevice, "sinks", [](MergeArgs& a) {
    a.sinks = host_view(DType::f32, {4}, {DeviceKind::cuda, 0});
  });
}
