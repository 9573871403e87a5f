#include "binding/arguments.h"

#include <napi.h>

#include <cmath>

#include "binding/abort_wrap.h"
#include "binding/stream_wrap.h"
#include "binding/tensor_wrap.h"

namespace fattn::binding {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991.0;

}  // namespace

void check_status(napi_env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

void Value::refuse(char const* expected) const {
  throw Error(ErrorCode::kArgumentType, std::string(name_) + ": expected " + expected);
}

bool Value::undefined() const {
  napi_valuetype type = napi_undefined;
  check_status(env_, napi_typeof(env_, value_, &type));
  return type == napi_undefined;
}

double Value::number() const {
  double number = 0;
  if (napi_get_value_double(env_, value_, &number) != napi_ok) refuse("a number");
  return number;
}

int64_t Value::integer() const {
  double const value = number();
  check(std::trunc(value) == value && std::fabs(value) <= kMaxSafeInteger,
        ErrorCode::kArgumentValue, name_, ": expected a safe integer, got ", value);
  return static_cast<int64_t>(value);
}

int64_t Value::ranged(int64_t last) const {
  int64_t const value = integer();
  check(value >= 0 && value <= last, ErrorCode::kArgumentValue, name_, ": expected 0 to ", last,
        ", got ", value);
  return value;
}

bool Value::boolean() const {
  bool value = false;
  if (napi_get_value_bool(env_, value_, &value) != napi_ok) refuse("a boolean");
  return value;
}

uint64_t Value::bigint() const {
  uint64_t value = 0;
  bool lossless = false;
  if (napi_get_value_bigint_uint64(env_, value_, &value, &lossless) != napi_ok) refuse("a bigint");
  check(lossless, ErrorCode::kArgumentValue, name_, ": expected an unsigned 64-bit bigint");
  return value;
}

std::string Value::text() const {
  size_t length = 0;
  if (napi_get_value_string_utf8(env_, value_, nullptr, 0, &length) != napi_ok) refuse("a string");
  std::string text(length, '\0');
  check_status(env_, napi_get_value_string_utf8(env_, value_, text.data(), length + 1, &length));
  return text;
}

Device Value::device() const { return parse_device(text()); }

DType Value::dtype() const { return one_of(DType::boolean); }

std::vector<napi_value> Value::list() const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, value_, &length) != napi_ok) refuse("an array");
  std::vector<napi_value> values(length);
  for (uint32_t i = 0; i < length; ++i)
    check_status(env_, napi_get_element(env_, value_, i, &values[i]));
  return values;
}

Extents Value::extents() const {
  uint32_t length = 0;
  if (napi_get_array_length(env_, value_, &length) != napi_ok) refuse("an array of numbers");
  check(length <= static_cast<uint32_t>(kMaxRank), ErrorCode::kShape, name_, " has ", length,
        " axes; at most ", kMaxRank, " are supported");
  Extents extents(static_cast<int>(length));
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element = nullptr;
    check_status(env_, napi_get_element(env_, value_, i, &element));
    extents[static_cast<int>(i)] = Value(env_, element, name_).integer();
  }
  return extents;
}

std::vector<double> Value::numbers() const {
  std::vector<double> numbers;
  for (napi_value const element : list()) numbers.push_back(Value(env_, element, name_).number());
  return numbers;
}

TensorView const& Value::tensor() const {
  auto const* const wrap = TensorWrap::from(env_, value_);
  check(wrap != nullptr, ErrorCode::kNotATensor, name_, ": expected a tensor");
  check(wrap->view.defined(), ErrorCode::kDisposed, name_, ": the tensor has been disposed of");
  return wrap->view;
}

TensorView Value::optional_tensor() const { return undefined() ? TensorView() : tensor(); }

std::shared_ptr<Stream> const& Value::stream() const {
  auto const* const wrap = StreamWrap::from(env_, value_);
  check(wrap != nullptr, ErrorCode::kNotAStream, name_, ": expected a stream");
  return wrap->stream;
}

std::shared_ptr<Event> const& Value::event() const {
  auto const* const wrap = EventWrap::from(env_, value_);
  if (wrap == nullptr) refuse("an event");
  return wrap->event;
}

std::shared_ptr<AbortFlag> const& Value::abort_flag() const {
  auto const* const wrap = AbortWrap::from(env_, value_);
  if (wrap == nullptr) refuse("an abort flag");
  return wrap->flag;
}

Value Value::field(char const* name) const {
  napi_valuetype type = napi_undefined;
  check_status(env_, napi_typeof(env_, value_, &type));
  if (type != napi_object) refuse("an object");
  napi_value value = nullptr;
  check_status(env_, napi_get_named_property(env_, value_, name, &value));
  return {env_, value, name};
}

Arguments::Arguments(napi_env env, napi_callback_info info) : env_(env) {
  size_t count = kMost;
  check_status(env, napi_get_cb_info(env, info, &count, values_.data(), nullptr, nullptr));
}

Submission Arguments::submission(size_t abort) const {
  Stream& stream = *at(0, "stream").stream();
  Value const flag = at(abort, "abort");
  return flag.undefined() ? Submission(stream) : Submission(stream, flag.abort_flag());
}

}  // namespace fattn::binding
