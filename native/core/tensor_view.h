#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string_view>

#include "core/dtype.h"
#include "core/extents.h"
#include "core/storage.h"

namespace fattn {

/// Elements of a storage, addressed by sizes and strides. Copying one shares the storage.
struct TensorView {
  std::shared_ptr<Storage> storage;
  DType dtype = DType::f32;
  int64_t offset = 0;  // elements from the start of the storage
  Extents sizes;
  Extents strides;  // elements; 0 on a broadcast axis; negative strides are refused

  bool defined() const { return storage != nullptr; }
  int rank() const { return sizes.rank(); }
  Device device() const { return storage->device(); }
  int64_t elements() const { return sizes.product(); }
  bool contiguous() const;

  /// Pointer to the first element.
  template <class T>
  T* data() const {
    return static_cast<T*>(storage->data()) + offset;
  }
  char* bytes() const { return static_cast<char*>(storage->data()) + offset * size_of(dtype); }

  /// Bytes from the first to the last element, those between included.
  ByteSpan span() const;
  /// Where it is noted what became of them: span(), or one byte, which a storage of none counts as.
  /// A view of no elements has nothing that could be bad.
  ByteSpan noted_part() const;
  /// Whether other elements may lie between its own.
  bool has_gaps() const;
  /// Failure of the work that should have written any of these; null where there is none.
  std::exception_ptr failure() const;
  /// What came of work that writes every element: null is success, which makes up for older
  /// failures unless there are gaps between the elements, whose owners may still be bad.
  void set_outcome(std::exception_ptr const& failure) const;
};

/// Throws ERR_BOUNDS unless every element of `view` lies inside its storage.
void check_bounds(std::string_view name, TensorView const& view);

/// Throws ERR_LAYOUT unless all elements of `view` lie apart, as something that is written to must.
void check_distinct(std::string_view name, TensorView const& view);

/// Whether the spans from first to last element of two views meet. Elements between may not.
bool spans_overlap(TensorView const& a, TensorView const& b);

/// `view` seen as `sizes`: aligned on the right, axes of size 1 get stride 0. Throws ERR_SHAPE.
TensorView broadcast(std::string_view name, TensorView const& view, Extents const& sizes);

}  // namespace fattn
