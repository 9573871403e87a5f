#include "simt/host/emulate.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "simt/host/block.h"

namespace fattn::simt::host {
namespace {

// Limits of a launch on sm_90: what the GPU refuses, so does the emulator.
constexpr int kMaxThreads = 1024;
constexpr int kMaxSharedBytes = 227 * 1024;
constexpr size_t kMaxParamsBytes = 4096;
constexpr uint32_t kMaxGridX = 0x7fffffff, kMaxGridYZ = 65535;

void check_launch(CompiledKernel const& kernel, Index3 grid) {
  auto const require = [&](bool fine, std::string const& what) {
    if (!fine) throw EmulationError("launch of " + std::string(kernel.name) + ": " + what);
  };
  require(kernel.threads > 0 && kernel.threads <= kMaxThreads && kernel.threads % kWarpSize == 0,
          std::to_string(kernel.threads) + " threads, expected a multiple of 32 up to 1024");
  require(kernel.shared_bytes >= 0 && kernel.shared_bytes <= kMaxSharedBytes,
          std::to_string(kernel.shared_bytes) + " bytes of shared memory, at most 232448 exist");
  require(
      kernel.params_bytes <= kMaxParamsBytes,
      std::to_string(kernel.params_bytes) + " bytes of parameters, at most 4096 are handed over");
  require(grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= kMaxGridX && grid.y <= kMaxGridYZ &&
              grid.z <= kMaxGridYZ,
          "grid " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
              std::to_string(grid.z) + ", expected 1 to 2147483647 x 65535 x 65535");
}

/// All blocks of a launch, taken one after the other by the host threads.
class Run {
 public:
  explicit Run(Launch const& launch) : launch_(launch), order_(blocks(launch.grid)) {
    std::iota(order_.begin(), order_.end(), uint64_t{0});
    Random random(mix(launch.options.seed, 0x6f72646572));
    for (size_t left = order_.size(); left > 1; --left)
      std::swap(order_[left - 1],
                order_[static_cast<size_t>(random.below(static_cast<int>(left)))]);
  }

  void run() {
    auto const wanted = static_cast<size_t>(std::max(1, launch_.options.host_threads));
    std::vector<std::thread> helpers;
    for (size_t i = 1; i < std::min(wanted, order_.size()); ++i)
      helpers.emplace_back([this] { work(); });
    work();
    for (auto& helper : helpers) helper.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static size_t blocks(Index3 grid) { return size_t{grid.x} * grid.y * grid.z; }

  Index3 index_of(uint64_t block) const {
    auto const [x, y, z] = launch_.grid;
    return {static_cast<uint32_t>(block % x), static_cast<uint32_t>(block / x % y),
            static_cast<uint32_t>(block / x / y % z)};
  }

  void work() {
    Fibres fibres = take_fibres(launch_.kernel.threads);
    SharedWindow memory;
    for (;;) {
      size_t const next = next_.fetch_add(1);
      if (next >= order_.size() || failed_) break;
      try {
        Block(launch_, index_of(order_[next]), memory).run(fibres);
      } catch (...) {
        std::lock_guard const lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        failed_ = true;
      }
    }
    give_back(std::move(fibres));
  }

  Launch const& launch_;
  std::vector<uint64_t> order_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

void emulate(CompiledKernel const& kernel, Index3 grid, void const* params,
             EmulationOptions const& options) {
  check_launch(kernel, grid);
  Launch const launch{kernel, grid, params, options};
  Run(launch).run();
}

}  // namespace fattn::simt::host
