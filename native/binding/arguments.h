#pragma once

#include <node_api.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend.h"
#include "core/error.h"

namespace fattn::binding {

/// Throws the engine's own error where a Node-API call failed.
void check_status(napi_env env, napi_status status);

/// One JavaScript value read as one C++ type. Throws ERR_ARGUMENT_TYPE or ERR_ARGUMENT_VALUE with
/// `name`.
class Value {
 public:
  Value(napi_env env, napi_value value, std::string_view name)
      : env_(env), value_(value), name_(name) {}

  bool undefined() const;
  double number() const;
  int64_t integer() const;  // exact, within 2^53
  bool boolean() const;
  uint64_t bigint() const;
  std::string text() const;
  Device device() const;
  DType dtype() const;
  Extents extents() const;
  std::vector<double> numbers() const;
  std::vector<napi_value> list() const;

  /// A number of an enumeration that ends with `last`.
  template <class Enumeration>
  Enumeration one_of(Enumeration last) const {
    return static_cast<Enumeration>(ranged(static_cast<int64_t>(last)));
  }

  /// What a handle holds. Throws ERR_NOT_A_TENSOR, ERR_DISPOSED or ERR_NOT_A_STREAM.
  TensorView const& tensor() const;
  TensorView optional_tensor() const;  // undefined view where the value is undefined
  std::shared_ptr<Stream> const& stream() const;
  std::shared_ptr<Event> const& event() const;
  std::shared_ptr<AbortFlag> const& abort_flag() const;

  Value field(char const* name) const;  // of an object
  napi_env env() const { return env_; }
  napi_value raw() const { return value_; }

 private:
  int64_t ranged(int64_t last) const;
  [[noreturn]] void refuse(char const* expected) const;

  napi_env env_;
  napi_value value_;
  std::string_view name_;
};

/// The arguments of one call; missing ones are undefined.
class Arguments {
 public:
  static constexpr size_t kMost = 32;  // attention()

  Arguments(napi_env env, napi_callback_info info);

  napi_env env() const { return env_; }
  Value at(size_t index, std::string_view name) const { return {env_, values_[index], name}; }
  /// Of a call that queues: to the stream at 0, revoked by the flag at `abort`, which may be
  /// undefined.
  Submission submission(size_t abort) const;

 private:
  napi_env env_;
  std::array<napi_value, kMost> values_;
};

}  // namespace fattn::binding
