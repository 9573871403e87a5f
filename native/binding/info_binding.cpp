#include <limits>

#include "binding/bindings.h"
#include "binding/completion.h"
#include "binding/environment.h"
#include "binding/objects.h"
#include "core/cuda_status.h"

namespace fattn::binding {
namespace {

/// 'GCC 12.2.0'; Clang names itself in its version.
std::string compiler_name() {
  std::string_view const version = __VERSION__;
  bool const named = version.find("lang") != std::string_view::npos;
  return (named ? "" : "GCC ") + std::string(version);
}

napi_value device_value(napi_env env, DeviceInfo const& info) {
  ObjectBuilder object(env);
  object.set("name", info.name);
  object.set("model", info.model);
  object.set("path", info.path);
  object.set("paths", info.paths);
  object.set("threads", info.threads);
  object.set("memoryBytes", info.memory_bytes);
  return object.value();
}

napi_value device_values(napi_env env, std::vector<DeviceInfo> const& infos) {
  std::vector<napi_value> values;
  for (DeviceInfo const& info : infos) values.push_back(device_value(env, info));
  return to_value(env, values);
}

}  // namespace

napi_value build_info(Arguments const& args) {
  napi_env const env = args.env();
  ObjectBuilder object(env);
  object.set("version", FATTN_VERSION);
  object.set("compiler", compiler_name());
  object.set("buildType", FATTN_BUILD_TYPE);
  object.set("paths", compiled_paths());
  constexpr int kCudaRuntime = FATTN_CUDA_RUNTIME_VERSION;  // 0: built without
  if constexpr (kCudaRuntime == 0) {
    object.set("cuda", false);
  } else {
    ObjectBuilder cuda(env);
    cuda.set("runtimeVersion", kCudaRuntime);
    cuda.set("architectures", FATTN_CUDA_ARCHITECTURES);
    object.set("cuda", cuda.value());
  }
  return object.value();
}

napi_value devices(Arguments const& args) { return device_values(args.env(), fattn::devices()); }

napi_value cuda_status_value(Arguments const& args) {
  CudaStatus const status = cuda_status();
  ObjectBuilder object(args.env());
  object.set("available", status.available);
  if (status.available) {
    object.set("devices", device_values(args.env(), status.devices));
  } else {
    object.set("reason", status.reason);
    object.set("message", status.message);
  }
  object.set("driverVersion", status.driver_version);
  object.set("runtimeVersion", status.runtime_version);
  return object.value();
}

napi_value memory_usage(Arguments const& args) {
  auto const& usage = Environment::of(args.env()).memory()->usage();
  std::vector<napi_value> values;
  for (DeviceInfo const& device : fattn::devices()) {
    auto const found = usage.find(device.name);
    MemoryAccount::Usage const used = found == usage.end() ? MemoryAccount::Usage() : found->second;
    ObjectBuilder object(args.env());
    object.set("device", device.name);
    object.set("tensors", used.tensors);
    object.set("bytes", used.bytes);
    values.push_back(object.value());
  }
  return to_value(args.env(), values);
}

napi_value set_threads(Arguments const& args) {
  int64_t const threads = args.at(0, "threads").integer();
  check(threads >= 1 && threads <= std::numeric_limits<int>::max(), ErrorCode::kArgumentValue,
        "threads: expected at least 1, got ", threads);
  backend_of(Device{}).set_threads(static_cast<int>(threads));
  return nullptr;
}

napi_value measure_ceilings(Arguments const& args) {
  Backend& backend = backend_of(args.at(0, "device").device());
  return make_promise(args.env(), [&](Settler const& settler) {
    backend.measure_ceilings([settler](Ceilings ceilings) {
      settler.resolve([ceilings](napi_env env) {
        ObjectBuilder object(env);
        object.set("f32Flops", ceilings.f32_flops);
        object.set("bf16Flops", ceilings.bf16_flops);
        object.set("readBytes", ceilings.read_bytes);
        return object.value();
      });
    });
  });
}

}  // namespace fattn::binding
