#pragma once

#include <memory>

#include "binding/handle.h"
#include "core/backend.h"

namespace fattn::binding {

/// A stream's handle. Collecting it does not close the stream: queued work keeps it until it is
/// done.
struct StreamWrap : Handle<StreamWrap> {
  static constexpr HandleKind kKind = HandleKind::kStream;

  static napi_value create(napi_env env, std::shared_ptr<Stream> stream);
  void release(napi_env) { stream.reset(); }

  std::shared_ptr<Stream> stream;
};

struct EventWrap : Handle<EventWrap> {
  static constexpr HandleKind kKind = HandleKind::kEvent;

  static napi_value create(napi_env env, std::shared_ptr<Event> event);
  void release(napi_env) { event.reset(); }

  std::shared_ptr<Event> event;
};

}  // namespace fattn::binding
