#pragma once

#include <node_api.h>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace fattn::binding {

/// C++ values as JavaScript values.
napi_value to_value(napi_env env, bool value);
napi_value to_value(napi_env env, double value);
napi_value to_value(napi_env env, std::string_view value);
napi_value to_value(napi_env env, std::vector<std::string> const& values);
napi_value to_value(napi_env env, std::vector<napi_value> const& values);

/// A plain object, property by property.
class ObjectBuilder {
 public:
  explicit ObjectBuilder(napi_env env);

  void set(char const* name, napi_value value);
  void set(char const* name, bool value) { set(name, to_value(env_, value)); }
  void set(char const* name, std::string_view value) { set(name, to_value(env_, value)); }
  void set(char const* name, std::string const& value) { set(name, std::string_view(value)); }
  void set(char const* name, char const* value) { set(name, std::string_view(value)); }
  void set(char const* name, std::vector<std::string> const& values) {
    set(name, to_value(env_, values));
  }
  /// JavaScript numbers hold every count and size here exactly.
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>) && (!std::same_as<Number, bool>)
  void set(char const* name, Number value) {
    set(name, to_value(env_, static_cast<double>(value)));
  }

  napi_value value() const { return object_; }

 private:
  napi_env env_;
  napi_value object_ = nullptr;
};

}  // namespace fattn::binding
