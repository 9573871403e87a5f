#pragma once

#include <node_api.h>

#include <memory>
#include <utility>
#include <vector>

#include "binding/completion.h"
#include "binding/tensor_wrap.h"
#include "core/backend.h"

namespace fattn::binding {

/// Everything the addon keeps for one JavaScript environment: the main thread or a worker. Used on
/// that thread only. Nothing that belongs to JavaScript lives anywhere else.
class Environment {
 public:
  /// Called once, as the module is loaded into `env`.
  static void attach(napi_env env);
  static Environment& of(napi_env env);

  std::shared_ptr<Stream> create_stream(Device device, StreamOptions const& options);
  /// Made at first use, and anew where it has been closed.
  std::shared_ptr<Stream> const& default_stream(Device device);

  std::shared_ptr<Mailbox> const& mailbox() const { return mailbox_; }
  std::shared_ptr<MemoryAccount> const& memory() const { return memory_; }

 private:
  explicit Environment(napi_env env);
  /// The environment ends: stops its work, waits until none runs, and closes the way back.
  static void end(void* self);

  napi_env env_;
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<MemoryAccount> memory_;
  std::vector<std::weak_ptr<Stream>> streams_;  // all that were made here and still live
  std::vector<std::pair<Device, std::shared_ptr<Stream>>> default_streams_;
};

}  // namespace fattn::binding
