#include <functional>
#include <limits>

#include "core/ops/rms_norm.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

RmsNormArgs sound() {
  RmsNormArgs args;
  args.x = host_view(DType::bf16, {2, 3, 5});
  args.weight = host_view(DType::bf16, {5});
  args.out = host_view(DType::bf16, {2, 3, 5});
  return args;
}

}  // namespace

TEST(rms_norm_check_takes_what_is_sound) {
  RmsNormArgs args = sound();
  check_rms_norm(1e-6f, args);
  args.weight = host_view(DType::f32, {5});
  check_rms_norm(1e-6f, args);
  args.weight = {};
  args.out = args.x;
  check_rms_norm(1e-6f, args);
}

TEST(rms_norm_check_refuses_each_flaw) {
  auto const refused = [](ErrorCode code, std::string const& part,
                          std::function<void(RmsNormArgs&)> const& flaw, float epsilon = 1e-6f) {
    RmsNormArgs args = sound();
    flaw(args);
    expect_throws(
        code, [&] { check_rms_norm(epsilon, args); }, part);
  };
  auto const none = [](RmsNormArgs&) {};
  refused(ErrorCode::kDisposed, "x", [](RmsNormArgs& a) { a.x = {}; });
  refused(ErrorCode::kDisposed, "out", [](RmsNormArgs& a) { a.out = {}; });
  refused(ErrorCode::kShape, "x", [](RmsNormArgs& a) { a.x = host_view(DType::bf16, {}); });
  refused(ErrorCode::kShape, "weight",
          [](RmsNormArgs& a) { a.weight = host_view(DType::bf16, {3}); });
  refused(ErrorCode::kShape, "out", [](RmsNormArgs& a) {
    a.out = host_view(DType::bf16, {3, 2, 5});
  });
  refused(ErrorCode::kDType, "x", [](RmsNormArgs& a) { a.x = host_view(DType::i32, {2, 3, 5}); });
  refused(ErrorCode::kDType, "weight", [](RmsNormArgs& a) { a.weight.dtype = DType::f16; });
  refused(ErrorCode::kDType, "out", [](RmsNormArgs& a) { a.out.dtype = DType::f16; });
  refused(ErrorCode::kLayout, "weight", [](RmsNormArgs& a) {
    a.weight = host_view(DType::bf16, {10});
    a.weight.sizes = {5};
    a.weight.strides = {2};
  });
  refused(ErrorCode::kLayout, "out", [](RmsNormArgs& a) { a.out.strides[0] = 0; });
  refused(ErrorCode::kOption, "overlaps", [](RmsNormArgs& a) {
    a.out = a.x = host_view(DType::bf16, {3, 3, 5});
    a.x.sizes = a.out.sizes = {2, 3, 5};
    a.out.offset = 15;
  });
  refused(ErrorCode::kOption, "weight", [](RmsNormArgs& a) {
    a.out = a.weight = host_view(DType::bf16, {7, 5});
    a.out.sizes = {2, 3, 5};
    a.out.strides = {15, 5, 1};
    a.weight.sizes = {5};
    a.weight.strides = {1};
    a.weight.offset = 30;
  });
  for (float const epsilon : {0.0f, -1.0f, 1e-40f, std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()})
    refused(ErrorCode::kArgumentValue, "epsilon", none, epsilon);
}
