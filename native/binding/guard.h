#pragma once

#include <exception>

#include "binding/arguments.h"

namespace fattn::binding {

/// The JavaScript error of a native failure: `code` and `message` of fattn::Error,
/// ERR_OUT_OF_MEMORY for std::bad_alloc, ERR_INTERNAL for anything else. Null where the environment
/// is closing.
napi_value error_value(napi_env env, std::exception_ptr failure);

/// Throws in JavaScript what `failure` holds, leaving an exception that is already pending alone.
void throw_in_javascript(napi_env env, std::exception_ptr failure);

/// What every exported function is registered as: no C++ exception crosses into the engine.
template <napi_value (*body)(Arguments const&)>
napi_value guard(napi_env env, napi_callback_info info) {
  try {
    return body(Arguments(env, info));
  } catch (...) {
    throw_in_javascript(env, std::current_exception());
    return nullptr;
  }
}

}  // namespace fattn::binding
