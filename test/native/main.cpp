// fattn_tests [--jobs=N] [PART]: runs every registered test, or those whose name contains PART.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "progress.h"

namespace fattn::test {
namespace {

int run_all(std::string_view part, int jobs) {
  std::vector<Case> some;
  for (Case const& test : cases())
    if (std::string_view(test.name).find(part) != std::string_view::npos) some.push_back(test);
  Progress progress;
  if (jobs > 1) {
    run_tests(some, jobs, progress);
  } else {
    std::atomic<int> running{-1};
    take_tests(some, progress, running);
  }
  int const passed = progress.passed, failed = progress.failed, skipped = progress.skipped;
  std::printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) std::printf(", %d skipped", skipped);
  std::printf("\n");
  return failed > 0 || passed + skipped == 0 ? 1 : 0;
}

}  // namespace
}  // namespace fattn::test

int main(int argc, char** argv) {
  constexpr std::string_view kJobs = "--jobs=";
  std::string_view part;
  int jobs = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).starts_with(kJobs))
      jobs = std::atoi(argv[i] + kJobs.size());
    else
      part = argv[i];
  }
  return fattn::test::run_all(part, jobs);
}
