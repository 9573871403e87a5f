#pragma once

#include "backends/cpu/thread_pool.h"
#include "core/tensor_view.h"

namespace fattn::cpu {

/// Every element of `target` becomes `value`, rounded once.
void run_fill(JobContext& context, TensorView const& target, double value);

}  // namespace fattn::cpu
