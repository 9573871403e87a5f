#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fattn {

enum class DeviceKind : uint8_t { cpu = 0, cuda = 1, emulated = 2 };

/// A place where storages lie and streams run. `index` is 0 for the CPU.
struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;

  bool operator==(Device const&) const = default;
};

/// 'cpu', 'cuda:0', …
std::string name_of(Device device);

/// The reverse; throws ERR_DEVICE for anything else. 'emulated:N' is of test builds.
Device parse_device(std::string_view name);

}  // namespace fattn
