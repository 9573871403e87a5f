#include "binding/tensor_wrap.h"

#include <utility>

#include "binding/environment.h"

namespace fattn::binding {

void MemoryAccount::add_tensor(Device device) { ++usage_[name_of(device)].tensors; }

void MemoryAccount::remove_tensor(Device device) { --usage_[name_of(device)].tensors; }

void MemoryAccount::add_storage(napi_env env, Storage const& storage) {
  usage_[name_of(storage.device())].bytes += storage.bytes();
  int64_t total = 0;
  napi_adjust_external_memory(env, storage.bytes(), &total);
}

void MemoryAccount::remove_storage(napi_env env, Device device, int64_t bytes) {
  usage_[name_of(device)].bytes -= bytes;
  int64_t total = 0;
  napi_adjust_external_memory(env, -bytes, &total);
}

napi_value TensorWrap::create(napi_env env, TensorView view) {
  auto wrap = std::make_unique<TensorWrap>();
  auto const account = Environment::of(env).memory();
  wrap->share =
      std::make_shared<StorageShare>(StorageShare{account, view.device(), view.storage->bytes()});
  wrap->view = std::move(view);
  Storage const& storage = *wrap->view.storage;
  napi_value const value = Handle::wrap(env, std::move(wrap));
  account->add_tensor(storage.device());
  account->add_storage(env, storage);
  return value;
}

napi_value TensorWrap::create_view(napi_env env, TensorWrap const& base, TensorView view) {
  auto wrap = std::make_unique<TensorWrap>();
  wrap->share = base.share;
  wrap->view = std::move(view);
  MemoryAccount& account = *base.share->account;
  Device const device = base.share->device;
  napi_value const value = Handle::wrap(env, std::move(wrap));
  account.add_tensor(device);
  return value;
}

void TensorWrap::release(napi_env env) {
  view = TensorView();
  std::shared_ptr<StorageShare> const mine = std::exchange(share, nullptr);
  if (mine == nullptr) return;
  mine->account->remove_tensor(mine->device);
  if (mine.use_count() == 1) mine->account->remove_storage(env, mine->device, mine->bytes);
}

}  // namespace fattn::binding
