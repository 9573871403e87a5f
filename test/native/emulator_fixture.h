#pragma once

// Runs small kernels on the emulator under many schedules, and expects them to pass or to be
// caught.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simt/host/emulate.h"
#include "simt/simt.h"
#include "test.h"

namespace fattn::test {

using simt::Index3;
using simt::host::EmulationError;
using simt::host::EmulationOptions;
using simt::host::Landing;

constexpr int kSeeds = 6;

template <class Kernel>
void emulate(typename Kernel::Params const& params, EmulationOptions const& options = {},
             Index3 grid = {1, 1, 1}) {
  simt::host::emulate(simt::compile_kernel<Kernel>("test"), grid, &params, options);
}

/// `body(options)` for several seeds in both landing modes.
template <class Body>
void for_each_schedule(Body const& body) {
  for (auto const landing : {Landing::kLate, Landing::kEarly})
    for (uint64_t seed = 0; seed < kSeeds; ++seed) body(EmulationOptions{seed, landing, 1, seed});
}

/// What the emulator said of one run; empty when nothing was wrong.
template <class Kernel>
std::string mistake_of(typename Kernel::Params const& params, EmulationOptions const& options) {
  try {
    emulate<Kernel>(params, options);
  } catch (EmulationError const& error) {
    return error.what();
  }
  return "";
}

/// Every schedule finds the mistake, in words that contain all `parts`.
template <class Kernel>
void expect_mistake(typename Kernel::Params const& params,
                    std::vector<std::string_view> const& parts, Where where = Where::current()) {
  for_each_schedule([&](EmulationOptions const& options) {
    std::string const text = mistake_of<Kernel>(params, options);
    if (text.empty()) fail(where, "seed ", options.seed, ": the mistake was not found");
    for (auto const part : parts)
      if (text.find(part) == std::string::npos)
        fail(where, "\"", text, "\" does not contain \"", part, "\"");
  });
}

/// No schedule finds a mistake.
template <class Kernel>
void expect_clean(typename Kernel::Params const& params, Where where = Where::current()) {
  for_each_schedule([&](EmulationOptions const& options) {
    std::string const text = mistake_of<Kernel>(params, options);
    if (!text.empty()) fail(where, text);
  });
}

/// A kernel of the shape most tests have.
template <class Params_, int kThreads_, int kSharedBytes_ = 0>
struct KernelShape {
  using Params = Params_;
  static constexpr int kThreads = kThreads_;
  static constexpr int kMinBlocks = 1;
  static constexpr int kSharedBytes = kSharedBytes_;
};

}  // namespace fattn::test
