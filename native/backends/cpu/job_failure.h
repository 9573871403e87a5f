#pragma once

#include <exception>

#include "backends/cpu/job.h"
#include "core/failure.h"

namespace fattn::cpu {

/// Failure of the work that should have filled an input of `job`; null where there is none.
std::exception_ptr inherited_failure(Job const& job);

/// Marks the outputs of `job` with its outcome.
void mark_outputs(Job const& job, std::exception_ptr const& failure);

}  // namespace fattn::cpu
