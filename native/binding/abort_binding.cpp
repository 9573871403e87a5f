#include "binding/abort_wrap.h"
#include "binding/bindings.h"
#include "binding/objects.h"

namespace fattn::binding {

napi_value abort_create(Arguments const& args) { return AbortWrap::create(args.env()); }

napi_value abort_raise(Arguments const& args) {
  args.at(0, "abort").abort_flag()->raise();
  return nullptr;
}

napi_value abort_in_use(Arguments const& args) {
  // Shares are made from the handle's, on this thread: where it is the last, it stays so.
  return to_value(args.env(), args.at(0, "abort").abort_flag().use_count() > 1);
}

}  // namespace fattn::binding
