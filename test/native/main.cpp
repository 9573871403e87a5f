// Runs every registered test, or those whose name contains the first argument.

#include <cstdio>
#include <cstring>
#include <exception>

#include "test.h"

namespace fattn::test {
namespace {

enum class Outcome { passed, failed, skipped };

Outcome run(Case const& test) {
  try {
    test.body();
    return Outcome::passed;
  } catch (Skip const& skip) {
    std::printf("skip %s: %s\n", test.name, skip.what());
    return Outcome::skipped;
  } catch (std::exception const& error) {
    std::printf("FAIL %s: %s\n", test.name, error.what());
    return Outcome::failed;
  }
}

}  // namespace
}  // namespace fattn::test

int main(int argc, char** argv) {
  using fattn::test::Outcome;
  int count[3] = {0, 0, 0};
  for (auto const& test : fattn::test::cases()) {
    if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
    ++count[static_cast<int>(fattn::test::run(test))];
  }
  std::printf("%d passed, %d failed", count[0], count[1]);
  if (count[2] > 0) std::printf(", %d skipped", count[2]);
  std::printf("\n");
  return count[1] > 0 || count[0] + count[2] == 0 ? 1 : 0;
}
