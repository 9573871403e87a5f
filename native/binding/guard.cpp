#include "binding/guard.h"

#include <napi.h>

#include <new>
#include <string_view>

#include "core/error.h"

namespace fattn::binding {
namespace {

napi_value text_value(napi_env env, std::string_view text) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

napi_value make_error(napi_env env, ErrorCode code, std::string_view message) {
  napi_value const code_value = text_value(env, name_of(code));
  napi_value const message_value = text_value(env, message);
  napi_value error = nullptr;
  if (code_value != nullptr && message_value != nullptr)
    napi_create_error(env, code_value, message_value, &error);
  return error;
}

}  // namespace

napi_value error_value(napi_env env, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (Napi::Error const& error) {
    return error.Value();
  } catch (Error const& error) {
    return make_error(env, error.code(), error.what());
  } catch (std::bad_alloc const&) {
    return make_error(env, ErrorCode::kOutOfMemory, "out of memory");
  } catch (std::exception const& error) {
    return make_error(env, ErrorCode::kInternal, error.what());
  } catch (...) {
    return make_error(env, ErrorCode::kInternal, "an unknown native failure");
  }
}

void throw_in_javascript(napi_env env, std::exception_ptr failure) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return;
  if (napi_value const error = error_value(env, failure)) napi_throw(env, error);
}

}  // namespace fattn::binding
