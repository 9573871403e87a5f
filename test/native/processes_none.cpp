#include "progress.h"

namespace fattn::test {

void run_tests(std::vector<Case> const& some, int, Progress& progress) {
  std::atomic<int> running{-1};
  take_tests(some, progress, running);
}

}  // namespace fattn::test
