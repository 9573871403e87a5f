#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "progress.h"

namespace fattn::test {
namespace {

/// What the processes share, in memory that is there until this one ends.
struct Shared {
  static constexpr int kMostJobs = 64;
  Progress progress;
  std::atomic<int> running[kMostJobs];

  static Shared& make() {
    void* const memory =
        mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory to share with processes");
    return *new (memory) Shared;
  }
};

pid_t start(std::vector<Case> const& some, Shared& shared, int job) {
  shared.running[job] = -1;
  pid_t const child = fork();
  if (child < 0) throw std::runtime_error("no further process can be started");
  if (child > 0) return child;
  take_tests(some, shared.progress, shared.running[job]);
  std::exit(0);  // which looks for leaks where a sanitizer does
}

void await(std::vector<Case> const& some, Shared& shared, int job, pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return;
  ++shared.progress.failed;
  int const at = shared.running[job];
  std::printf("FAIL %s: its process ended with status %#x\n",
              at < 0 ? "(behind the last test)" : some[static_cast<size_t>(at)].name, status);
}

}  // namespace

void run_tests(std::vector<Case> const& some, int jobs, Progress& progress) {
  Shared& shared = Shared::make();
  if (jobs > Shared::kMostJobs) jobs = Shared::kMostJobs;
  std::vector<pid_t> children;
  for (int job = 0; job < jobs; ++job) children.push_back(start(some, shared, job));
  for (int job = 0; job < jobs; ++job) await(some, shared, job, children[static_cast<size_t>(job)]);
  // Where all have died there are tests that nobody took.
  int const left = static_cast<int>(some.size()) - shared.progress.next;
  if (left > 0) std::printf("FAIL %d tests did not run\n", left);
  progress.passed = shared.progress.passed.load();
  progress.failed = shared.progress.failed + (left > 0 ? left : 0);
  progress.skipped = shared.progress.skipped.load();
}

}  // namespace fattn::test
