#pragma once

#include <map>
#include <memory>
#include <string>

#include "binding/handle.h"
#include "core/tensor_view.h"

namespace fattn::binding {

/// What the tensors of one environment occupy. Used on its JavaScript thread only.
class MemoryAccount {
 public:
  struct Usage {
    int64_t tensors = 0;  // handles that are neither disposed of nor collected
    int64_t bytes = 0;    // of the distinct storages behind them
  };

  void add_tensor(Device device);
  void remove_tensor(Device device);
  /// Tell the engine's collector too: it sees only the handles, which are small.
  void add_storage(napi_env env, Storage const& storage);
  void remove_storage(napi_env env, Device device, int64_t bytes);

  /// By device name.
  std::map<std::string, Usage> const& usage() const { return usage_; }

 private:
  std::map<std::string, Usage> usage_;
};

/// One storage as one environment holds it: counted once, however many views there are.
struct StorageShare {
  std::shared_ptr<MemoryAccount> account;
  Device device;
  int64_t bytes;
};

/// A tensor's handle: a view, or an undefined view once it is disposed of.
struct TensorWrap : Handle<TensorWrap> {
  static constexpr HandleKind kKind = HandleKind::kTensor;

  /// A handle on a new storage of this environment.
  static napi_value create(napi_env env, TensorView view);
  /// Another view of the storage of `base`.
  static napi_value create_view(napi_env env, TensorWrap const& base, TensorView view);

  /// Gives up the share of the storage. Queued jobs keep theirs. Idempotent.
  void release(napi_env env);

  TensorView view;
  std::shared_ptr<StorageShare> share;
};

}  // namespace fattn::binding
