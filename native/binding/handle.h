#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>

#include "binding/arguments.h"

namespace fattn::binding {

/// Says what an external points to, so that a handle of one kind is never read as another. Handles
/// do not leave lib/, so a first word that no foreign memory holds by chance is enough; asking the
/// engine for a type tag at each of the 32 arguments of attention() would cost more than the rest
/// of the call.
enum class HandleKind : uint64_t {
  kTensor = 0x66617474'6e5f7401,
  kStream = 0x66617474'6e5f7402,
  kEvent = 0x66617474'6e5f7403,
  kAbort = 0x66617474'6e5f7404,
};

/// What every external of ours points to.
struct HandleBase {
  explicit HandleBase(HandleKind kind) : kind(kind) {}
  HandleKind const kind;
};

/// `Derived` declares `static constexpr HandleKind kKind` and `void release(napi_env)`, which gives
/// back what it holds when JavaScript collects the handle.
template <class Derived>
struct Handle : HandleBase {
  Handle() : HandleBase(Derived::kKind) {}

  /// The object behind `value`, or null where that is something else.
  static Derived* from(napi_env env, napi_value value) {
    void* data = nullptr;
    if (napi_get_value_external(env, value, &data) != napi_ok || data == nullptr) return nullptr;
    auto* const base = static_cast<HandleBase*>(data);
    return base->kind == Derived::kKind ? static_cast<Derived*>(base) : nullptr;
  }

  /// Gives the object to JavaScript.
  static napi_value wrap(napi_env env, std::unique_ptr<Derived> object) {
    HandleBase* const base = object.get();
    napi_value value = nullptr;
    check_status(env, napi_create_external(env, base, finalize, nullptr, &value));
    object.release();
    return value;
  }

 private:
  static void finalize(napi_env env, void* data, void*) {
    std::unique_ptr<Derived> const object(static_cast<Derived*>(static_cast<HandleBase*>(data)));
    object->release(env);
  }
};

}  // namespace fattn::binding
