#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "backends/cuda/context.h"
#include "simt/kernel.h"

namespace fattn::cuda {

/// What has to be said once about every kernel before its first launch on a device.
class KernelSettings {
 public:
  explicit KernelSettings(Context& context) : context_(context) {}
  /// The context is current.
  void prepare(simt::CompiledKernel const& kernel);

 private:
  Context& context_;
  std::mutex mutex_;
  std::unordered_set<void const*> prepared_;
};

}  // namespace fattn::cuda
