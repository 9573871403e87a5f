#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// target[i...] = source[i...]. Floats round once, to nearest even. Where the two overlap in memory
/// the result is as if the source had been set aside first.
void run_copy(JobContext& context, TensorView const& source, TensorView const& target);

/// Row-major elements of `source` as `as`, to `host`.
void run_read(JobContext& context, TensorView const& source, DType as, void* host);

}  // namespace fattn::cpu
