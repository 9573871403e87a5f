// Every primitive of native/simt on the hardware, by the checks that the emulator passes too.
//
//   simt_conformance    one line of JSON per primitive; exit code 0 when none failed
//
// A kernel that traps, or does not end, takes the device from its process. The program then begins
// anew, with the next check.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "checks.h"
#include "hardware_machine.h"

namespace fattn::conformance {
namespace {

std::string escaped(std::string const& text) {
  std::string out;
  for (char const c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

void print(char const* primitive, char const* status, std::string const& detail) {
  std::printf("{\"primitive\": \"%s\", \"status\": \"%s\", \"detail\": \"%s\"}\n", primitive,
              status, escaped(detail).c_str());
  std::fflush(stdout);
}

void print(Check const& check, char const* status, std::string const& detail) {
  for (char const* const primitive : check.primitives) print(primitive, status, detail);
}

/// What the device lacks for the check; empty when nothing.
std::string missing(Needs needs, HardwareMachine const& machine) {
  std::string const here =
      "; this is " + machine.model() + ", sm_" + std::to_string(machine.capability());
  if (needs == Needs::kSm90 && machine.capability() < 90) return "needs sm_90" + here;
  if (needs == Needs::kSm90a && machine.capability() != 90) return "exists on sm_90 only" + here;
  return "";
}

/// Does not return: the device is free again for a process that begins anew.
[[noreturn]] void begin_anew(char** argv, size_t from) {
  std::string const number = std::to_string(from);
  char const* const arguments[] = {argv[0], "--after-failure", number.c_str(), nullptr};
  execv("/proc/self/exe", const_cast<char* const*>(arguments));
  std::perror("simt_conformance: cannot begin anew");
  std::exit(1);
}

/// False where it failed.
bool run(Check const& check, HardwareMachine& machine) {
  auto const lacks = missing(check.needs, machine);
  if (!lacks.empty()) {
    print(check, "skipped", lacks);
    return true;
  }
  try {
    check.run(machine);
  } catch (Lost const&) {
    throw;
  } catch (std::exception const& error) {
    print(check, "failed", error.what());
    return false;
  }
  print(check, "passed", "");
  return true;
}

int run_from(size_t first, bool failed, char** argv) {
  HardwareMachine machine;
  auto const checks = all_checks();
  for (size_t i = first; i < checks.size(); ++i) {
    try {
      failed |= !run(checks[i], machine);
    } catch (Lost const& lost) {
      print(checks[i], "failed", lost.what());
      begin_anew(argv, i + 1);
    }
    machine.clear();
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace fattn::conformance

int main(int argc, char** argv) {
  bool const anew = argc == 3 && std::strcmp(argv[1], "--after-failure") == 0;
  size_t const first = anew ? std::strtoul(argv[2], nullptr, 10) : 0;
  try {
    return fattn::conformance::run_from(first, anew, argv);
  } catch (std::exception const& error) {
    fattn::conformance::print("none", "failed", error.what());
    return 1;
  }
}
