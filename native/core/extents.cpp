#include "core/extents.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace fattn {
namespace {

int checked_rank(size_t rank) {
  check(rank <= static_cast<size_t>(kMaxRank), ErrorCode::kShape, "a tensor of ", rank,
        " axes; at most ", kMaxRank, " are supported");
  return static_cast<int>(rank);
}

}  // namespace

Extents::Extents(std::initializer_list<int64_t> values) : rank_(checked_rank(values.size())) {
  std::copy(values.begin(), values.end(), values_.begin());
}

Extents::Extents(int rank, int64_t value) : rank_(checked_rank(static_cast<size_t>(rank))) {
  std::fill_n(values_.begin(), rank_, value);
}

bool Extents::operator==(Extents const& other) const {
  return rank_ == other.rank_ &&
         std::equal(values_.begin(), values_.begin() + rank_, other.values_.begin());
}

int64_t Extents::product() const {
  bool empty = false;
  for (int axis = 0; axis < rank_; ++axis) {
    check(values_[axis] >= 0, ErrorCode::kShape, "negative size in ", *this);
    empty = empty || values_[axis] == 0;
  }
  if (empty) return 0;
  int64_t product = 1;
  for (int axis = 0; axis < rank_; ++axis) product = checked_multiply(product, values_[axis]);
  return product;
}

Extents contiguous_strides(Extents const& sizes) {
  Extents strides(sizes.rank());
  int64_t stride = 1;
  for (int axis = sizes.rank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    // An empty axis counts as one, so that the strides of the others stay apart.
    stride = checked_multiply(stride, std::max<int64_t>(sizes[axis], 1));
  }
  return strides;
}

int64_t checked_multiply(int64_t a, int64_t b) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  bool fits = true;
  if (a > 0)
    fits = b > 0 ? a <= kMax / b : b >= kMin / a;
  else if (a < 0)
    fits = b > 0 ? a >= kMin / b : b == 0 || b >= kMax / a;
  check(fits, ErrorCode::kShape, a, " * ", b, " elements or bytes overflow 64 bits");
  return a * b;
}

std::ostream& operator<<(std::ostream& out, Extents const& extents) {
  out << "[";
  for (int axis = 0; axis < extents.rank(); ++axis) out << (axis > 0 ? ", " : "") << extents[axis];
  return out << "]";
}

}  // namespace fattn
