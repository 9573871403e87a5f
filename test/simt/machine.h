// Where the checks of the primitives run: on the emulator, or on a GPU.
#pragma once

#include <cstddef>
#include <vector>

#include "simt/simt.h"

namespace fattn::conformance {

using namespace simt;  // what is checked

class Machine {
 public:
  virtual ~Machine() = default;

  /// Memory that kernels reach; lives as long as the machine.
  virtual void* allocate(size_t bytes) = 0;
  virtual void write(void* target, void const* source, size_t bytes) = 0;
  virtual void read(void* target, void const* source, size_t bytes) = 0;
  /// Returns when all blocks are done. Throws what went wrong.
  virtual void launch(CompiledKernel const& kernel, Index3 grid, void const* params) = 0;
  virtual TensorMap encode(TileDescription const& description) = 0;

  /// A copy that kernels reach.
  template <class T>
  T* place(std::vector<T> const& values) {
    auto* const memory = static_cast<T*>(allocate(values.size() * sizeof(T)));
    write(memory, values.data(), values.size() * sizeof(T));
    return memory;
  }
  /// Room for `count` elements, which are `value`.
  template <class T>
  T* room(size_t count, T value = {}) {
    return place(std::vector<T>(count, value));
  }
  template <class T>
  std::vector<T> fetch(T const* memory, size_t count) {
    std::vector<T> values(count);
    read(values.data(), memory, count * sizeof(T));
    return values;
  }
  template <class Kernel>
  void run(typename Kernel::Params const& params, Index3 grid = {1, 1, 1}) {
    launch(compile_kernel<Kernel>("check"), grid, &params);
  }
};

/// A kernel of the shape most checks have.
template <class Params_, int kThreads_, int kSharedBytes_ = 0>
struct KernelShape {
  using Params = Params_;
  static constexpr int kThreads = kThreads_;
  static constexpr int kMinBlocks = 1;
  static constexpr int kSharedBytes = kSharedBytes_;
};

}  // namespace fattn::conformance
