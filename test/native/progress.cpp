#include "progress.h"

#include <cstdio>
#include <exception>

namespace fattn::test {
namespace {

void run(Case const& test, Progress& progress) {
  try {
    test.body();
    ++progress.passed;
  } catch (Skip const& skip) {
    ++progress.skipped;
    std::printf("skip %s: %s\n", test.name, skip.what());
  } catch (std::exception const& error) {
    ++progress.failed;
    std::printf("FAIL %s: %s\n", test.name, error.what());
  }
  std::fflush(stdout);
}

}  // namespace

void take_tests(std::vector<Case> const& some, Progress& progress, std::atomic<int>& running) {
  int const count = static_cast<int>(some.size());
  for (int i = progress.next++; i < count; i = progress.next++) {
    running = i;
    run(some[static_cast<size_t>(i)], progress);
  }
  running = -1;
}

}  // namespace fattn::test
