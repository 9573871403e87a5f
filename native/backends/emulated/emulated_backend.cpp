// The device 'emulated:0' of test builds: the GPU backend whose kernels run under the emulator.

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "backends/emulated/emulated_runtime.h"
#include "backends/gpu/gpu_backend.h"
#include "core/error.h"
#include "core/gpu_devices.h"
#include "simt/host/emulate.h"

namespace fattn {
namespace {

constexpr Device kDevice{DeviceKind::emulated, 0};

using simt::host::EmulationOptions;
using simt::host::Landing;

/// Every launch gets another order of threads, and asynchronous work lands late and early in turn:
/// what a kernel computes may depend on neither. FUSED_ATTENTION_EMULATION, such as '7,late', pins
/// both for all launches, to see a failure again.
class Schedules {
 public:
  Schedules() {
    char const* const given = std::getenv("FUSED_ATTENTION_EMULATION");
    if (given != nullptr) pinned_ = parsed(given);
  }

  EmulationOptions next() {
    if (pinned_) return *pinned_;
    EmulationOptions options;
    options.seed = launches_.fetch_add(1);
    options.landing = options.seed % 2 == 0 ? Landing::kLate : Landing::kEarly;
    return options;
  }

 private:
  static EmulationOptions parsed(std::string_view text) {
    EmulationOptions options;
    char const* const last = text.data() + text.size();
    auto const [end, status] = std::from_chars(text.data(), last, options.seed);
    std::string_view const landing(end, static_cast<size_t>(last - end));
    check(status == std::errc() && (landing == ",late" || landing == ",early"),
          ErrorCode::kArgumentValue, "FUSED_ATTENTION_EMULATION is '", text,
          "', expected a seed and a landing, as in '7,late' or '7,early'");
    options.landing = landing == ",late" ? Landing::kLate : Landing::kEarly;
    return options;
  }

  std::optional<EmulationOptions> pinned_;
  std::atomic<uint64_t> launches_{0};
};

std::unique_ptr<gpu::Runtime> open_runtime() {
  auto const run = [schedules = std::make_shared<Schedules>()](simt::CompiledKernel const& kernel,
                                                               gpu::Grid grid, void const* params) {
    try {
      simt::host::emulate(kernel, {grid.x, grid.y, grid.z}, params, schedules->next());
    } catch (simt::host::EmulationError const& mistake) {
      throw Error(ErrorCode::kInternal, mistake.what());
    }
  };
  return std::make_unique<emulated::EmulatedRuntime>(run);
}

gpu::GpuBackend& backend() {
  static auto& instance = *new gpu::GpuBackend(open_runtime());  // jobs may run at exit
  return instance;
}

}  // namespace

std::vector<DeviceInfo> gpu_devices() { return {backend().info()}; }

Backend& gpu_backend(Device device) {
  if (device != kDevice) throw_no_gpu(device);
  return backend();
}

}  // namespace fattn
