// Extents, devices, bounds and broadcasts: the arithmetic that keeps kernels inside their storages.

#include <limits>
#include <sstream>

#include "core/device.h"
#include "core/error.h"
#include "core/tensor_view.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TensorView view_of(TensorView const& base, Extents const& sizes, Extents const& strides,
                   int64_t offset = 0) {
  TensorView view = base;
  view.sizes = sizes;
  view.strides = strides;
  view.offset = offset;
  return view;
}

}  // namespace

TEST(extents_multiply_with_overflow_checks) {
  expect_equal(Extents({2, 3, 4}).product(), 24);
  expect_equal(Extents{}.product(), 1);
  expect_equal(Extents({kHuge, 0, kHuge}).product(), 0);
  expect_throws(ErrorCode::kShape, [] { Extents({kHuge, 2}).product(); });
  expect_throws(
      ErrorCode::kShape,
      [] {
        Extents({4, -1}).product();
      },
      "negative");
  expect_throws(
      ErrorCode::kShape,
      [] {
        Extents({1, 1, 1, 1, 1, 1, 1, 1, 1});
      },
      "9 axes");
  expect_throws(ErrorCode::kShape, [] { checked_multiply(kHuge / 2 + 1, 2); });
  expect_throws(ErrorCode::kShape, [] { checked_multiply(-kHuge - 1, -1); });
  expect_throws(ErrorCode::kShape, [] { checked_multiply(-1, -kHuge - 1); });
  expect_equal(checked_multiply(kHuge / 2, 2), kHuge - 1);
  expect_equal(checked_multiply(-kHuge, 1), -kHuge);
}

TEST(extents_print_and_stride) {
  std::ostringstream text;
  text << Extents{2, 0, 4};
  expect_equal(text.str(), std::string("[2, 0, 4]"));
  expect(contiguous_strides({2, 3, 4}) == Extents({12, 4, 1}));
  expect(contiguous_strides({2, 0, 4}) == Extents({4, 4, 1}));
  expect_throws(ErrorCode::kShape, [] { contiguous_strides({2, kHuge, kHuge, 0}); });
}

TEST(device_names_round_trip) {
  expect_equal(name_of(parse_device("cpu")), std::string("cpu"));
  expect_equal(name_of(parse_device("cuda:12")), std::string("cuda:12"));
  for (char const* bad :
       {"", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:1x", "cuda:99999999999", "CPU"})
    expect_throws(
        ErrorCode::kDevice, [&] { parse_device(bad); }, bad);
}

TEST(bounds_accept_exactly_what_fits) {
  TensorView const base = host_view(DType::f32, {24});
  check_bounds("x", view_of(base, {2, 3, 4}, {12, 4, 1}));
  check_bounds("x", view_of(base, {4, 2}, {1, 12}, 8));
  check_bounds("x", view_of(base, {1000000, 24}, {0, 1}));
  check_bounds("x", view_of(base, {0, 5}, {kHuge, kHuge}, 24));
  check_bounds("x", view_of(base, {}, {}, 23));
  auto const refused = [&](Extents const& sizes, Extents const& strides, int64_t offset) {
    expect_throws(ErrorCode::kBounds,
                  [&] { check_bounds("x", view_of(base, sizes, strides, offset)); });
  };
  refused({25}, {1}, 0);
  refused({24}, {1}, 1);
  refused({2, 3, 5}, {12, 4, 1}, 0);
  refused({1}, {1}, -1);
  refused({1}, {1}, 24);
  refused({0}, {1}, 25);
  refused({2}, {-1}, 1);
  refused({1}, {1}, kHuge);
}

TEST(bounds_refuse_what_overflows_or_is_malformed) {
  TensorView const base = host_view(DType::f32, {24});
  auto const refused = [&](Extents const& sizes, Extents const& strides) {
    expect_throws(ErrorCode::kShape, [&] { check_bounds("x", view_of(base, sizes, strides)); });
  };
  refused({kHuge, 3}, {1, kHuge});
  refused({2, 2, 2}, {kHuge - 1, kHuge - 1, 5});
  refused({kHuge, kHuge}, {0, 0});
  refused({2, 3}, {1});
  refused({-2}, {1});
  expect_throws(ErrorCode::kDisposed, [] { check_bounds("x", TensorView{}); });
  // The last element of a 2-byte type must end inside, not merely begin there.
  TensorView odd = host_view(DType::u8, {5});
  odd.dtype = DType::f16;
  odd.sizes = {3};
  expect_throws(ErrorCode::kBounds, [&] { check_bounds("x", odd); });
}

TEST(written_views_may_not_overlap_themselves) {
  TensorView const base = host_view(DType::f32, {24});
  check_distinct("x", view_of(base, {2, 3, 4}, {12, 4, 1}));
  check_distinct("x", view_of(base, {4, 3}, {1, 4}));
  check_distinct("x", view_of(base, {4, 1, 3}, {1, 0, 4}));
  check_distinct("x", view_of(base, {0, 3}, {0, 0}));
  auto const refused = [&](Extents const& sizes, Extents const& strides) {
    expect_throws(ErrorCode::kLayout, [&] { check_distinct("x", view_of(base, sizes, strides)); });
  };
  refused({2, 4}, {0, 1});
  refused({2, 4}, {3, 1});
  refused({2, 2}, {1, 1});
}

TEST(views_know_contiguity_and_overlap) {
  TensorView const base = host_view(DType::f32, {24});
  expect(view_of(base, {2, 3, 4}, {12, 4, 1}).contiguous());
  expect(view_of(base, {2, 1, 4}, {4, 99, 1}).contiguous());
  expect(view_of(base, {0, 3}, {7, 7}).contiguous());
  expect(!view_of(base, {3, 2}, {1, 3}).contiguous());
  TensorView const head = view_of(base, {12}, {1}), tail = view_of(base, {12}, {1}, 12);
  expect(!spans_overlap(head, tail));
  expect(spans_overlap(head, view_of(base, {12}, {1}, 11)));
  expect(spans_overlap(view_of(base, {12}, {2}), view_of(base, {12}, {2}, 1)), "interleaved");
  expect(!spans_overlap(head, host_view(DType::f32, {24})), "other storage");
  expect(!spans_overlap(head, view_of(base, {0}, {1})), "empty");
}

TEST(broadcast_aligns_on_the_right) {
  TensorView const base = host_view(DType::f32, {3, 1, 4});
  TensorView const wide = broadcast("x", base, {2, 3, 5, 4});
  expect(wide.sizes == Extents({2, 3, 5, 4}));
  expect(wide.strides == Extents({0, 4, 0, 1}));
  expect(broadcast("x", host_view(DType::f32, {1}), {0}).sizes == Extents({0}));
  expect_throws(
      ErrorCode::kShape,
      [&] {
        broadcast("x", base, {3, 5, 5});
      },
      "[3, 1, 4]");
  expect_throws(ErrorCode::kShape, [&] { broadcast("x", base, {1, 4}); });
}

TEST(failures_belong_to_the_part_that_was_not_written) {
  auto const failure = [](char const* why) {
    return std::make_exception_ptr(Error(ErrorCode::kIndex, why));
  };
  auto const why = [](TensorView const& view) -> std::string {
    auto const found = view.failure();
    if (found == nullptr) return "fine";
    try {
      std::rethrow_exception(found);
    } catch (Error const& error) {
      return error.what();
    }
  };
  TensorView const all = host_view(DType::f32, {4, 6});
  auto const row = [&](int64_t i) { return view_of(all, {6}, {1}, 6 * i); };
  TensorView const columns = view_of(all, {4, 2}, {6, 1}, 2), none = view_of(all, {0}, {1}, 7);
  row(1).set_outcome(failure("row 1"));
  expect_equal(why(row(0)) + why(row(1)) + why(row(2)), std::string("finerow 1fine"));
  expect_equal(why(all) + why(columns) + why(none), std::string("row 1row 1fine"));
  columns.set_outcome(nullptr);
  expect_equal(why(row(1)), std::string("row 1"), "there are gaps between the columns");
  view_of(all, {3}, {1}, 8).set_outcome(nullptr);
  expect_equal(why(view_of(all, {2}, {1}, 6)), std::string("row 1"));
  expect_equal(why(view_of(all, {3}, {1}, 8)), std::string("fine"));
  expect_equal(why(view_of(all, {1}, {1}, 11)), std::string("row 1"));
  columns.set_outcome(failure("columns"));
  expect_equal(why(row(1)) + why(row(2)), std::string("columnscolumns"), "the later counts");
  none.set_outcome(failure("none"));
  all.set_outcome(nullptr);
  expect_equal(why(all), std::string("fine"));
  TensorView const empty = host_view(DType::f32, {0, 6});
  empty.set_outcome(failure("empty"));
  expect_equal(why(empty), std::string("empty"));
  empty.set_outcome(nullptr);
  expect_equal(why(empty), std::string("fine"));
}
