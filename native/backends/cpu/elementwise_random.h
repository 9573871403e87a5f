#pragma once

#include <cstdint>

#include "backends/cpu/thread_pool.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// Row-major element i of `target` becomes element i of the normal sequence of `seed`, rounded once
/// more to the dtype: the same values for any strides, any dtype and any number of threads.
void run_randn(JobContext& context, TensorView const& target, uint64_t seed);

}  // namespace fattn::cpu
