#pragma once

// Views on plain memory, for tests that need no backend.

#include <memory>
#include <vector>

#include "core/tensor_view.h"

namespace fattn::test {

class HostStorage : public Storage {
 public:
  explicit HostStorage(int64_t bytes, Device device = {})
      : Storage(device, nullptr, bytes), memory_(static_cast<size_t>(bytes)) {
    data_ = memory_.data();
  }

 private:
  std::vector<char> memory_;
};

/// A contiguous tensor in a storage of its own.
inline TensorView host_view(DType dtype, Extents const& sizes, Device device = {}) {
  TensorView view;
  view.storage = std::make_shared<HostStorage>(sizes.product() * size_of(dtype), device);
  view.dtype = dtype;
  view.sizes = sizes;
  view.strides = contiguous_strides(sizes);
  return view;
}

}  // namespace fattn::test
