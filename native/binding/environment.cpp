#include "binding/environment.h"

#include <algorithm>

namespace fattn::binding {

Environment::Environment(napi_env env)
    : env_(env),
      mailbox_(std::make_shared<Mailbox>(env)),
      memory_(std::make_shared<MemoryAccount>()) {}

void Environment::attach(napi_env env) {
  std::unique_ptr<Environment> environment(new Environment(env));
  auto const finalize = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  check_status(env, napi_set_instance_data(env, environment.get(), finalize, nullptr));
  Environment* const self = environment.release();
  // Hooks run last in, first out: this one before that of the mailbox's thread-safe function, and
  // long before the finalizers of handles and of the instance data.
  check_status(env, napi_add_env_cleanup_hook(env, end, self));
}

Environment& Environment::of(napi_env env) {
  void* data = nullptr;
  check_status(env, napi_get_instance_data(env, &data));
  return *static_cast<Environment*>(data);
}

std::shared_ptr<Stream> Environment::create_stream(Device device, StreamOptions const& options) {
  std::shared_ptr<Stream> stream = backend_of(device).create_stream(options);
  std::erase_if(streams_, [](std::weak_ptr<Stream> const& gone) { return gone.expired(); });
  streams_.push_back(stream);
  return stream;
}

std::shared_ptr<Stream> const& Environment::default_stream(Device device) {
  auto const found = std::find_if(default_streams_.begin(), default_streams_.end(),
                                  [&](auto const& entry) { return entry.first == device; });
  if (found != default_streams_.end()) {
    if (found->second->closed()) found->second = create_stream(device, {});
    return found->second;
  }
  return default_streams_.emplace_back(device, create_stream(device, {})).second;
}

void Environment::end(void* self) {
  auto& environment = *static_cast<Environment*>(self);
  for (auto const& weak : environment.streams_)
    if (auto const stream = weak.lock()) stream->close();
  environment.mailbox_->close(environment.env_);
}

}  // namespace fattn::binding
