#include "binding/stream_wrap.h"

#include <utility>

namespace fattn::binding {

napi_value StreamWrap::create(napi_env env, std::shared_ptr<Stream> stream) {
  auto wrap = std::make_unique<StreamWrap>();
  wrap->stream = std::move(stream);
  return Handle::wrap(env, std::move(wrap));
}

napi_value EventWrap::create(napi_env env, std::shared_ptr<Event> event) {
  auto wrap = std::make_unique<EventWrap>();
  wrap->event = std::move(event);
  return Handle::wrap(env, std::move(wrap));
}

}  // namespace fattn::binding
