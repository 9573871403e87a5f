#include "core/device.h"

#include <charconv>
#include <utility>

#include "core/error.h"

namespace fattn {

std::string name_of(Device device) {
  switch (device.kind) {
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::cuda:
      return "cuda:" + std::to_string(device.index);
    case DeviceKind::emulated:
      return "emulated:" + std::to_string(device.index);
  }
  return "unknown";
}

Device parse_device(std::string_view name) {
  if (name == "cpu") return {DeviceKind::cpu, 0};
  for (auto const& [prefix, kind] :
       {std::pair<std::string_view, DeviceKind>{"cuda:", DeviceKind::cuda},
        {"emulated:", DeviceKind::emulated}}) {
    if (!name.starts_with(prefix)) continue;
    int index = -1;
    char const* const last = name.data() + name.size();
    auto const [end, status] = std::from_chars(name.data() + prefix.size(), last, index);
    if (status == std::errc() && end == last && index >= 0) return {kind, index};
  }
  throw Error(ErrorCode::kDevice,
              "unknown device '" + std::string(name) + "': expected 'cpu' or 'cuda:N'");
}

}  // namespace fattn
