// Every primitive on the emulator, by the checks of test/simt, which a GPU must pass as well.

#include <cstring>
#include <memory>

#include "checks.h"
#include "emulator_fixture.h"

namespace fattn::test {
namespace {

class EmulatedMachine final : public conformance::Machine {
 public:
  explicit EmulatedMachine(EmulationOptions const& options) : options_(options) {}

  void* allocate(size_t bytes) override {
    constexpr std::align_val_t kAlignment{256};
    auto const free = [](void* memory) { ::operator delete(memory, kAlignment); };
    blocks_.emplace_back(::operator new(bytes, kAlignment), free);
    return blocks_.back().get();
  }
  void write(void* target, void const* source, size_t bytes) override {
    std::memcpy(target, source, bytes);
  }
  void read(void* target, void const* source, size_t bytes) override {
    std::memcpy(target, source, bytes);
  }
  void launch(simt::CompiledKernel const& kernel, Index3 grid, void const* params) override {
    simt::host::emulate(kernel, grid, params, options_);
  }
  simt::TensorMap encode(simt::TileDescription const& description) override {
    return simt::host::encode_tensor_map(description);
  }

 private:
  EmulationOptions options_;
  std::vector<std::shared_ptr<void>> blocks_;
};

void run_checks(std::vector<conformance::Check> const& checks,
                std::vector<EmulationOptions> const& schedules) {
  for (auto const& check : checks)
    for (auto const& options : schedules) {
      EmulatedMachine machine(options);
      try {
        check.run(machine);
      } catch (std::exception const& error) {
        fail(Where::current(), check.primitives.front(), ", seed ", options.seed, ", landing ",
             options.landing == Landing::kLate ? "late: " : "early: ", error.what());
      }
    }
}

/// Few, since the checks move much; the tests of single mistakes run under more.
std::vector<EmulationOptions> few_schedules() {
  return {{1, Landing::kLate}, {2, Landing::kEarly}};
}

TEST(conformance_of_threads) { run_checks(conformance::checks_of_threads(), few_schedules()); }
TEST(conformance_of_barriers) { run_checks(conformance::checks_of_barriers(), few_schedules()); }
TEST(conformance_of_copies) { run_checks(conformance::checks_of_copies(), few_schedules()); }
TEST(conformance_of_conversions) {
  run_checks(conformance::checks_of_conversions(), {{1, Landing::kLate}});
}
TEST(conformance_of_functions) { run_checks(conformance::checks_of_functions(), few_schedules()); }
TEST(conformance_of_fragments) { run_checks(conformance::checks_of_fragments(), few_schedules()); }
TEST(conformance_of_mbarriers) { run_checks(conformance::checks_of_mbarriers(), few_schedules()); }
TEST(conformance_of_bulk_copies) {
  run_checks(conformance::checks_of_bulk_copies(), few_schedules());
}
TEST(conformance_of_warpgroups) {
  run_checks(conformance::checks_of_warpgroups(), few_schedules());
}

}  // namespace
}  // namespace fattn::test
