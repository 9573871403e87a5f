#pragma once

#include <exception>

#include "backends/cpu/job.h"

namespace fattn::cpu {

/// The exception being handled as an Error whose message starts with the operation's name.
std::exception_ptr failure_of(char const* operation);

/// ERR_STREAM_CLOSED for work that the closing of its stream stopped or dropped.
std::exception_ptr closed_failure(char const* operation);

/// Failure of the work that should have filled an input of `job`; null where there is none.
std::exception_ptr inherited_failure(Job const& job);

/// Marks the outputs of `job` with its outcome. Success clears an older failure only where the
/// storage was written as a whole: elsewhere it may hold other parts that are still bad.
void mark_outputs(Job const& job, std::exception_ptr const& failure);

}  // namespace fattn::cpu
