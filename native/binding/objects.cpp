#include "binding/objects.h"

#include "binding/arguments.h"

namespace fattn::binding {

napi_value to_value(napi_env env, bool value) {
  napi_value result = nullptr;
  check_status(env, napi_get_boolean(env, value, &result));
  return result;
}

napi_value to_value(napi_env env, double value) {
  napi_value result = nullptr;
  check_status(env, napi_create_double(env, value, &result));
  return result;
}

napi_value to_value(napi_env env, std::string_view value) {
  napi_value result = nullptr;
  check_status(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}

napi_value to_value(napi_env env, std::vector<napi_value> const& values) {
  napi_value result = nullptr;
  check_status(env, napi_create_array_with_length(env, values.size(), &result));
  for (uint32_t i = 0; i < values.size(); ++i)
    check_status(env, napi_set_element(env, result, i, values[i]));
  return result;
}

napi_value to_value(napi_env env, std::vector<std::string> const& values) {
  std::vector<napi_value> elements;
  for (std::string const& value : values)
    elements.push_back(to_value(env, std::string_view(value)));
  return to_value(env, elements);
}

ObjectBuilder::ObjectBuilder(napi_env env) : env_(env) {
  check_status(env, napi_create_object(env, &object_));
}

void ObjectBuilder::set(char const* name, napi_value value) {
  check_status(env_, napi_set_named_property(env_, object_, name, value));
}

}  // namespace fattn::binding
