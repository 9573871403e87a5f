#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// Throws ERR_ARGUMENT_VALUE where an integer or bool dtype cannot hold `value` exactly.
void check_fill(TensorView const& target, double value);

/// Every element of `target` becomes `value`, rounded once.
void run_fill(JobContext& context, TensorView const& target, double value);

}  // namespace fattn::cpu
