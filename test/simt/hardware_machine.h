#pragma once

#include <cuda_runtime_api.h>

#include <string>
#include <vector>

#include "machine.h"

namespace fattn::conformance {

/// The device is of no further use to this process: a kernel trapped, or did not end.
struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Device 0. Kernels have a few seconds each.
class HardwareMachine final : public Machine {
 public:
  /// Throws where there is no device, with the reason.
  HardwareMachine();
  ~HardwareMachine() override;

  int capability() const { return capability_; }  // times ten
  std::string const& model() const { return model_; }

  void* allocate(size_t bytes) override;
  void write(void* target, void const* source, size_t bytes) override;
  void read(void* target, void const* source, size_t bytes) override;
  void launch(CompiledKernel const& kernel, Index3 grid, void const* params) override;
  TensorMap encode(TileDescription const& description) override;
  /// Gives back all memory.
  void clear();

 private:
  int capability_ = 0;
  std::string model_;
  cudaStream_t stream_ = nullptr;
  std::vector<void*> blocks_;
};

}  // namespace fattn::conformance
