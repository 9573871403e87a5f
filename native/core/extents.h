#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>

namespace fattn {

constexpr int kMaxRank = 8;

/// Up to `kMaxRank` numbers: the sizes of a tensor, or its strides in elements.
class Extents {
 public:
  Extents() = default;
  Extents(std::initializer_list<int64_t> values);
  explicit Extents(int rank, int64_t value = 0);

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return values_[axis]; }
  int64_t& operator[](int axis) { return values_[axis]; }
  bool operator==(Extents const& other) const;

  /// Product of all values, 1 for rank 0. Throws ERR_SHAPE where it overflows int64 or one is
  /// negative.
  int64_t product() const;

 private:
  std::array<int64_t, kMaxRank> values_{};
  int rank_ = 0;
};

/// Row-major strides, in elements.
Extents contiguous_strides(Extents const& sizes);

/// `a * b`; throws ERR_SHAPE on overflow.
int64_t checked_multiply(int64_t a, int64_t b);

/// [2, 3, 4]
std::ostream& operator<<(std::ostream& out, Extents const& extents);

}  // namespace fattn
