// Which of the code that this binary was built with a device runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fattn::cuda {

/// What the kernels need: asynchronous copies, and bf16 in the tensor cores.
constexpr int kLeastCapability = 80;

/// The best first: {'sm_90a', 'compute_90'}; `capability` is ten times the compute capability,
/// `built_for` a list as CMake takes it, '80-real 90a-real 90-virtual'. Code of an sm_ runs as it
/// is, that of a compute_ is translated by the driver at its first use.
std::vector<std::string> images_for(int capability, std::string_view built_for);

}  // namespace fattn::cuda
