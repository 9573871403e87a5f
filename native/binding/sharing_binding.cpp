#include <cstring>
#include <string>
#include <utility>

#include "binding/bindings.h"
#include "binding/environment.h"
#include "binding/tensor_wrap.h"

namespace fattn::binding {
namespace {

/// A row-major tensor of (device, …, dtype, shape) on memory that `provide(backend, bytes)` gives.
template <class Provide>
napi_value tensor_on(Arguments const& args, size_t dtype, Provide&& provide) {
  Device const device = args.at(0, "device").device();
  TensorView view;
  view.dtype = args.at(dtype, "dtype").dtype();
  view.sizes = args.at(dtype + 1, "shape").extents();
  view.strides = contiguous_strides(view.sizes);
  int64_t const bytes = checked_multiply(view.sizes.product(), size_of(view.dtype));
  view.storage = provide(backend_of(device), bytes);
  return TensorWrap::create(args.env(), std::move(view));
}

void* address_of(uint64_t address) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(address));
}

}  // namespace

napi_value tensor_from_pointer(Arguments const& args) {
  uint64_t const address = args.at(1, "address").bigint();
  return tensor_on(args, 2, [&](Backend& backend, int64_t bytes) {
    return backend.wrap(address_of(address), bytes);
  });
}

napi_value tensor_shareable(Arguments const& args) {
  return tensor_on(
      args, 1, [](Backend& backend, int64_t bytes) { return backend.allocate_shareable(bytes); });
}

napi_value tensor_pointer(Arguments const& args) {
  TensorView const& view = args.at(0, "tensor").tensor();
  char const* const start = static_cast<char*>(backend_of(view.device()).address_of(*view.storage));
  uintptr_t const address = reinterpret_cast<uintptr_t>(start + view.offset * size_of(view.dtype));
  napi_value value = nullptr;
  check_status(args.env(), napi_create_bigint_uint64(args.env(), address, &value));
  return value;
}

napi_value tensor_share(Arguments const& args) {
  TensorView const& view = args.at(0, "tensor").tensor();
  check(view.offset == 0 && view.contiguous() &&
            view.elements() * size_of(view.dtype) == view.storage->bytes(),
        ErrorCode::kLayout, "share: expected a whole tensor as it was made, got a view of it");
  std::string const handle = backend_of(view.device()).share(*view.storage);
  napi_value buffer = nullptr;
  void* data = nullptr;
  check_status(args.env(), napi_create_arraybuffer(args.env(), handle.size(), &data, &buffer));
  std::memcpy(data, handle.data(), handle.size());
  return buffer;
}

napi_value tensor_open_shared(Arguments const& args) {
  napi_typedarray_type type = napi_uint8_array;
  size_t length = 0;
  void* data = nullptr;
  napi_value const bytes_value = args.at(1, "handle").raw();
  check(napi_get_typedarray_info(args.env(), bytes_value, &type, &length, &data, nullptr,
                                 nullptr) == napi_ok &&
            type == napi_uint8_array,
        ErrorCode::kArgumentType, "handle: expected a Uint8Array");
  std::string const handle(static_cast<char const*>(data), length);
  return tensor_on(
      args, 2, [&](Backend& backend, int64_t bytes) { return backend.open_shared(handle, bytes); });
}

}  // namespace fattn::binding
