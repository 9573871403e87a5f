#include "core/tensor_view.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/error.h"

namespace fattn {
namespace {

/// Elements from the first to the last of `view`, both counted; 0 when it is empty.
/// Requires sizes and strides >= 0; throws ERR_SHAPE on overflow.
int64_t span_of(TensorView const& view) {
  if (view.elements() == 0) return 0;
  int64_t last = 0;
  for (int axis = 0; axis < view.rank(); ++axis) {
    int64_t const reach = checked_multiply(view.sizes[axis] - 1, view.strides[axis]);
    check(reach < std::numeric_limits<int64_t>::max() - last, ErrorCode::kShape, "strides ",
          view.strides, " overflow 64 bits");
    last += reach;
  }
  return last + 1;
}

}  // namespace

bool TensorView::contiguous() const {
  if (elements() == 0) return true;
  int64_t expected = 1;
  for (int axis = rank() - 1; axis >= 0; --axis) {
    if (sizes[axis] != 1 && strides[axis] != expected) return false;
    expected *= sizes[axis];
  }
  return true;
}

ByteSpan TensorView::span() const {
  int64_t const first = offset * size_of(dtype);
  return {first, first + span_of(*this) * size_of(dtype)};
}

ByteSpan TensorView::noted_part() const { return storage->bytes() == 0 ? ByteSpan{0, 1} : span(); }

bool TensorView::has_gaps() const { return span_of(*this) > elements(); }

std::exception_ptr TensorView::failure() const { return storage->failure(noted_part()); }

void TensorView::set_outcome(std::exception_ptr const& failure) const {
  if (failure != nullptr)
    storage->add_failure(noted_part(), failure);
  else if (!has_gaps())
    storage->clear_failures(noted_part());
}

void check_bounds(std::string_view name, TensorView const& view) {
  check(view.defined(), ErrorCode::kDisposed, name, " has no storage");
  check(view.strides.rank() == view.rank(), ErrorCode::kShape, name, " has ", view.rank(),
        " sizes and ", view.strides.rank(), " strides");
  for (int axis = 0; axis < view.rank(); ++axis) {
    check(view.sizes[axis] >= 0, ErrorCode::kShape, name, " has a negative size in ", view.sizes);
    check(view.strides[axis] >= 0, ErrorCode::kBounds, name, " has a negative stride in ",
          view.strides);
  }
  int64_t const capacity = view.storage->bytes() / size_of(view.dtype);
  check(view.offset >= 0 && view.offset <= capacity && span_of(view) <= capacity - view.offset,
        ErrorCode::kBounds, name, " reaches past its storage: sizes ", view.sizes, ", strides ",
        view.strides, ", offset ", view.offset, ", storage of ", capacity, " elements");
}

void check_distinct(std::string_view name, TensorView const& view) {
  if (view.elements() <= 1) return;
  std::array<int, kMaxRank> axes{};
  int used = 0;
  for (int axis = 0; axis < view.rank(); ++axis)
    if (view.sizes[axis] > 1) axes[used++] = axis;
  std::sort(axes.begin(), axes.begin() + used,
            [&](int a, int b) { return view.strides[a] < view.strides[b]; });
  // Each stride must step over all that the smaller ones reach.
  int64_t reach = 0;
  for (int i = 0; i < used; ++i) {
    int64_t const stride = view.strides[axes[i]];
    check(stride > reach, ErrorCode::kLayout, name,
          " is written to, but its elements overlap (a broadcast axis?): sizes ", view.sizes,
          ", strides ", view.strides);
    reach += (view.sizes[axes[i]] - 1) * stride;
  }
}

bool spans_overlap(TensorView const& a, TensorView const& b) {
  return a.storage == b.storage && a.span().meets(b.span());
}

TensorView broadcast(std::string_view name, TensorView const& view, Extents const& sizes) {
  int const added = sizes.rank() - view.rank();
  check(added >= 0, ErrorCode::kShape, name, " is ", view.sizes, ", which does not broadcast to ",
        sizes);
  TensorView result = view;
  result.sizes = sizes;
  result.strides = Extents(sizes.rank());  // 0: the axes added on the left
  for (int axis = 0; axis < view.rank(); ++axis) {
    int64_t const size = view.sizes[axis];
    check(size == 1 || size == sizes[axis + added], ErrorCode::kShape, name, " is ", view.sizes,
          ", which does not broadcast to ", sizes);
    if (size != 1) result.strides[axis + added] = view.strides[axis];
  }
  return result;
}

}  // namespace fattn
