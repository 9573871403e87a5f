#include "core/device.h"

#include <charconv>

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
  constexpr std::string_view kCuda = "cuda:";
  int index = -1;
  if (name.starts_with(kCuda)) {
    char const* const last = name.data() + name.size();
    auto const [end, status] = std::from_chars(name.data() + kCuda.size(), last, index);
    if (status != std::errc() || end != last) index = -1;
  }
  check(index >= 0, ErrorCode::kDevice, "unknown device '", name, "': expected 'cpu' or 'cuda:N'");
  return {DeviceKind::cuda, index};
}

}  // namespace fattn
