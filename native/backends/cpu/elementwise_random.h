#pragma once

#include <array>
#include <cstdint>

#include "backends/cpu/thread_pool.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// Elements 4 * block .. 4 * block + 3 of the standard normal sequence of `seed`.
std::array<float, 4> normals(uint64_t seed, uint64_t block);

/// Row-major element i of `target` becomes element i of the sequence, rounded once more to the
/// dtype: the same values for any strides, any dtype and any number of threads.
void run_randn(JobContext& context, TensorView const& target, uint64_t seed);

}  // namespace fattn::cpu
