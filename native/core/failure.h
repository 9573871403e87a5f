#pragma once

#include <exception>
#include <string>

#include "core/error.h"

namespace fattn {

/// An Error whose message starts with the operation's name, unless it does already.
std::exception_ptr named_failure(char const* operation, ErrorCode code, std::string const& message);

/// The exception being handled as an Error whose message starts with the operation's name.
std::exception_ptr failure_of(char const* operation);

/// ERR_STREAM_CLOSED for work that the closing of its stream stopped or dropped.
std::exception_ptr closed_failure(char const* operation);

/// ERR_ABORTED for work that its caller has revoked.
std::exception_ptr aborted_failure(char const* operation);

/// Whether `failure` is of that kind, perhaps inherited: nothing that synchronize() should report.
bool is_abort(std::exception_ptr const& failure);

}  // namespace fattn
