#pragma once

#include <atomic>

#include "test.h"

namespace fattn::test {

/// How far a run has come; several processes may share one.
struct Progress {
  std::atomic<int> next{0};
  std::atomic<int> passed{0}, failed{0}, skipped{0};
};

/// Takes tests until none is left, and says on standard output what failed. `running` is the index
/// of the test at hand, -1 when there is none.
void take_tests(std::vector<Case> const& some, Progress& progress, std::atomic<int>& running);

/// Runs tests, `jobs` at a time in processes of their own; one after the other where the system
/// has no fork. A process that dies is a failure of its test; the others take what is left.
void run_tests(std::vector<Case> const& some, int jobs, Progress& progress);

}  // namespace fattn::test
