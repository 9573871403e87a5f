// What a check is: primitives, and a function that says whether they do what native/simt promises.
// Each is written once and runs on the emulator (test/native/emulator_conformance.cpp, in CI) and
// on the hardware (conformance.cu): so that what the emulator lets pass is what a GPU does.
#pragma once

#include <sstream>
#include <stdexcept>
#include <vector>

#include "machine.h"

namespace fattn::conformance {

/// Where the primitives exist.
enum class Needs { kSm80, kSm90, kSm90a };

struct Check {
  std::vector<char const*> primitives;  // as declared in native/simt
  Needs needs;
  void (*run)(Machine&);  // throws Wrong
};

struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class... Parts>
void expect(bool ok, Parts const&... parts) {
  if (ok) return;
  std::ostringstream text;
  (text << ... << parts);
  throw Wrong(text.str());
}

/// The first element of `got` that is not that of `expected` is told by its index.
template <class T>
void expect_same(std::vector<T> const& got, std::vector<T> const& expected, char const* what) {
  expect(got.size() == expected.size(), what, ": ", got.size(), " elements, expected ",
         expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    expect(got[i] == expected[i], what, ": element ", i, " is ", got[i], ", expected ",
           expected[i]);
}

}  // namespace fattn::conformance
