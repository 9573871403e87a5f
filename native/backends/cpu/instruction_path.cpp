// Which instruction paths are compiled in, which this machine can run, and which one is used.
#include <cstdlib>
#include <string_view>

#include "backends/cpu/kernel_table.h"
#include "core/error.h"

namespace fattn::cpu {

#if defined(__x86_64__)
extern KernelTable const kBaselineKernels, kAvx2Kernels, kAvx512Kernels, kAvx512Bf16Kernels;
#elif defined(__aarch64__)
extern KernelTable const kNeonKernels;
#else
extern KernelTable const kBaselineKernels;
#endif

namespace {

struct Path {
  KernelTable const* table;
  bool runs_here;
};

/// Worst first. The compiler's feature test also asks the operating system whether it saves the
/// registers.
std::vector<Path> const& paths() {
  static std::vector<Path> const list = [] {
    std::vector<Path> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool const avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("f16c");
    bool const avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    bool const bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
    found = {{&kBaselineKernels, true},
             {&kAvx2Kernels, avx2},
             {&kAvx512Kernels, avx512},
             {&kAvx512Bf16Kernels, bf16}};
#elif defined(__aarch64__)
    found = {{&kNeonKernels, true}};
#else
    found = {{&kBaselineKernels, true}};
#endif
    return found;
  }();
  return list;
}

std::string join(std::vector<std::string> const& names) {
  std::string text;
  for (auto const& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

KernelTable const& best() {
  KernelTable const* found = nullptr;
  for (Path const& path : paths()) {
    if (path.runs_here) found = path.table;
  }
  return *found;  // the baseline runs everywhere
}

}  // namespace

KernelTable const& kernels_of(std::string_view name) {
  for (Path const& path : paths()) {
    if (path.runs_here && name == path.table->path) return *path.table;
  }
  throw Error(ErrorCode::kUnsupported, "instruction path '" + std::string(name) +
                                           "': this machine and build offer " +
                                           join(available_paths()));
}

KernelTable const& active_kernels() {
  static KernelTable const& chosen = [&]() -> KernelTable const& {
    char const* const forced = std::getenv("FUSED_ATTENTION_CPU_LEVEL");
    return forced && *forced ? kernels_of(forced) : best();
  }();
  return chosen;
}

std::vector<std::string> available_paths() {
  std::vector<std::string> names;
  for (Path const& path : paths()) {
    if (path.runs_here) names.push_back(path.table->path);
  }
  return names;
}

std::vector<std::string> compiled_paths() {
  std::vector<std::string> names;
  for (Path const& path : paths()) names.push_back(path.table->path);
  return names;
}

}  // namespace fattn::cpu
