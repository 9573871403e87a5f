#pragma once

#include <memory>
#include <utility>

#include "binding/handle.h"
#include "core/abort_flag.h"

namespace fattn::binding {

/// An abort flag's handle. Jobs hold shares of their own.
struct AbortWrap : Handle<AbortWrap> {
  static constexpr HandleKind kKind = HandleKind::kAbort;

  static napi_value create(napi_env env) {
    auto wrap = std::make_unique<AbortWrap>();
    wrap->flag = std::make_shared<AbortFlag>();
    return Handle::wrap(env, std::move(wrap));
  }
  void release(napi_env) { flag.reset(); }

  std::shared_ptr<AbortFlag> flag;
};

}  // namespace fattn::binding
