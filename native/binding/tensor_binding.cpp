#include <array>
#include <utility>

#include "binding/bindings.h"
#include "binding/completion.h"
#include "binding/environment.h"
#include "binding/tensor_wrap.h"
#include "core/convert.h"

namespace fattn::binding {
namespace {

TensorView allocate(Device device, DType dtype, Extents const& sizes) {
  TensorView view;
  view.dtype = dtype;
  view.sizes = sizes;
  view.strides = contiguous_strides(sizes);
  int64_t const bytes = checked_multiply(sizes.product(), size_of(dtype));
  view.storage = backend_of(device).allocate(bytes);
  return view;
}

/// Bytes of an element by napi_typedarray_type. Half-precision arrays, which Node-API 9 has no name
/// for, come as a view of their bits.
int64_t element_bytes(napi_typedarray_type type) {
  constexpr std::array<int64_t, 11> kBytes{1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  check(static_cast<size_t>(type) < kBytes.size(), ErrorCode::kArgumentType,
        "data: unknown kind of typed array");
  return kBytes[static_cast<size_t>(type)];
}

struct Bytes {
  void const* data = nullptr;
  int64_t length = 0;
};

/// The memory behind a typed array or DataView, as it is now: 0 bytes where the buffer is detached
/// or was shrunk below the view.
Bytes bytes_of(napi_env env, napi_value view) {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type = napi_uint8_array;
  if (napi_get_typedarray_info(env, view, &type, &length, &data, nullptr, nullptr) == napi_ok)
    return {data, checked_multiply(static_cast<int64_t>(length), element_bytes(type))};
  check(napi_get_dataview_info(env, view, &length, &data, nullptr, nullptr) == napi_ok,
        ErrorCode::kArgumentType, "data: expected a typed array or DataView");
  return {data, static_cast<int64_t>(length)};
}

/// A new ArrayBuffer. Asked of JavaScript, which throws where there is not enough memory; Node-API
/// ends the process instead.
napi_value new_array_buffer(napi_env env, int64_t bytes) {
  napi_value global = nullptr, constructor = nullptr, length = nullptr, buffer = nullptr;
  check_status(env, napi_get_global(env, &global));
  check_status(env, napi_get_named_property(env, global, "ArrayBuffer", &constructor));
  check_status(env, napi_create_double(env, static_cast<double>(bytes), &length));
  if (napi_new_instance(env, constructor, 1, &length, &buffer) == napi_ok) return buffer;
  napi_value ignored = nullptr;
  napi_get_and_clear_last_exception(env, &ignored);
  check(false, ErrorCode::kOutOfMemory, "cannot allocate an ArrayBuffer of ", bytes, " bytes");
  return nullptr;
}

/// Where the latest work on the storage was queued; anywhere if that stream is gone, since what it
/// did is done.
std::shared_ptr<Stream> stream_to_read_on(napi_env env, TensorView const& view) {
  std::shared_ptr<Stream> const writer = view.storage->last_writer();
  if (writer != nullptr && !writer->closed()) return writer;
  return Environment::of(env).default_stream(view.device());
}

}  // namespace

napi_value tensor_empty(Arguments const& args) {
  Device const device = args.at(0, "device").device();
  DType const dtype = args.at(1, "dtype").dtype();
  return TensorWrap::create(args.env(), allocate(device, dtype, args.at(2, "shape").extents()));
}

napi_value tensor_from(Arguments const& args) {
  SourceType const from = source_type_of(args.at(1, "dataType").text());
  DType const dtype = args.at(2, "dtype").dtype();
  Extents const sizes = args.at(3, "shape").extents();
  Bytes const bytes = bytes_of(args.env(), args.at(0, "data").raw());
  int64_t const count = sizes.product();
  check(bytes.length == checked_multiply(count, size_of(from)), ErrorCode::kShape, "data has ",
        bytes.length, " bytes, expected ", count, " elements of ", size_of(from), " for shape ",
        sizes);
  check(count == 0 || reinterpret_cast<uintptr_t>(bytes.data) % size_of(from) == 0,
        ErrorCode::kArgumentValue, "data is not aligned to its elements of ", size_of(from),
        " bytes");
  TensorView view = allocate(Device{}, dtype, sizes);
  convert_elements(bytes.data, from, count, dtype, view.storage->data());
  return TensorWrap::create(args.env(), std::move(view));
}

napi_value tensor_view(Arguments const& args) {
  TensorView view = args.at(0, "base").tensor();
  view.sizes = args.at(1, "shape").extents();
  view.strides = args.at(2, "strides").extents();
  view.offset = args.at(3, "offset").integer();
  check_bounds("view", view);
  auto const& base = *TensorWrap::from(args.env(), args.at(0, "base").raw());
  return TensorWrap::create_view(args.env(), base, std::move(view));
}

napi_value tensor_dispose(Arguments const& args) {
  auto* const wrap = TensorWrap::from(args.env(), args.at(0, "tensor").raw());
  check(wrap != nullptr, ErrorCode::kNotATensor, "tensor: expected a tensor");
  wrap->release(args.env());
  return nullptr;
}

napi_value tensor_fill(Arguments const& args) {
  Submission const to = args.submission(3);
  TensorView const& tensor = args.at(1, "tensor").tensor();
  backend_of(tensor.device()).fill(to, tensor, args.at(2, "value").number());
  return nullptr;
}

napi_value tensor_randn(Arguments const& args) {
  Submission const to = args.submission(3);
  TensorView const& tensor = args.at(1, "tensor").tensor();
  backend_of(tensor.device()).randn(to, tensor, args.at(2, "seed").bigint());
  return nullptr;
}

napi_value tensor_copy(Arguments const& args) {
  Submission const to = args.submission(3);
  TensorView const& source = args.at(1, "source").tensor();
  TensorView const& target = args.at(2, "target").tensor();
  // Between the CPU and another device, that one copies: it reaches both.
  Device const device = target.device() == Device{} ? source.device() : target.device();
  backend_of(device).copy(to, source, target);
  return nullptr;
}

napi_value tensor_read(Arguments const& args) {
  napi_env const env = args.env();
  TensorView const& view = args.at(0, "tensor").tensor();
  bool const widen = args.at(1, "widen").boolean() && is_float(view.dtype);
  DType const as = widen ? DType::f32 : view.dtype;
  napi_value const buffer = new_array_buffer(env, checked_multiply(view.elements(), size_of(as)));
  void* host = nullptr;
  size_t length = 0;
  check_status(env, napi_get_arraybuffer_info(env, buffer, &host, &length));
  // An empty buffer has no memory, but the read still waits its turn and tells of failures.
  static char nothing;
  if (length == 0) host = &nothing;
  // JavaScript gets the buffer with the promise's value, so until then nobody can detach or resize
  // it.
  auto const start = [&](Settler const& settler) {
    auto const stream = stream_to_read_on(env, view);
    backend_of(view.device()).read(*stream, view, as, host, settler.completion());
  };
  return make_promise(env, start, buffer);
}

}  // namespace fattn::binding
