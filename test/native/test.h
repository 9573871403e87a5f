#pragma once

// A test registry in one header. Each file of test/native holds `TEST(name) { … }` bodies that call
// the expect_… functions; main.cpp runs them all. TEST is the one macro: a test needs a name and a
// body.

#include <cmath>
#include <functional>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"

namespace fattn::test {

struct Case {
  char const* file;
  char const* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

/// Registers a test during static initialisation.
struct Registration {
  Registration(char const* file, char const* name, void (*body)()) {
    cases().push_back({file, name, body});
  }
};

/// What a failed expectation throws: it ends its test, and main.cpp reports it.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a test throws to be counted as skipped, with the reason.
struct Skip : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Where = std::source_location;

template <class... Parts>
[[noreturn]] void fail(Where where, Parts const&... parts) {
  std::ostringstream text;
  text << where.file_name() << ":" << where.line() << ": ";
  (text << ... << parts);
  throw Failure(text.str());
}

inline void expect(bool ok, std::string const& what = "expected true",
                   Where where = Where::current()) {
  if (!ok) fail(where, what);
}

template <class A, class B>
void expect_equal(A const& actual, B const& expected, std::string const& what = "",
                  Where where = Where::current()) {
  if (!(actual == expected))
    fail(where, what, what.empty() ? "" : ": ", "got ", actual, ", expected ", expected);
}

/// |actual - expected| <= tolerance; two NaNs and two equal infinities agree.
inline void expect_near(double actual, double expected, double tolerance,
                        std::string const& what = "", Where where = Where::current()) {
  bool const same = actual == expected || (std::isnan(actual) && std::isnan(expected));
  if (!same && !(std::fabs(actual - expected) <= tolerance))
    fail(where, what, what.empty() ? "" : ": ", "got ", actual, ", expected ", expected, " within ",
         tolerance);
}

/// `body` throws fattn::Error with `code`, and its message contains `part`.
inline void expect_throws(ErrorCode code, std::function<void()> const& body,
                          std::string const& part = "", Where where = Where::current()) {
  try {
    body();
  } catch (Error const& error) {
    if (error.code() != code)
      fail(where, "got ", name_of(error.code()), " (", error.what(), "), expected ", name_of(code));
    if (std::string(error.what()).find(part) == std::string::npos)
      fail(where, "message \"", error.what(), "\" does not contain \"", part, "\"");
    return;
  }
  fail(where, "nothing thrown, expected ", name_of(code));
}

}  // namespace fattn::test

#define TEST(name)                                                                        \
  static void test_##name();                                                              \
  static ::fattn::test::Registration const register_##name(__FILE__, #name, test_##name); \
  static void test_##name()
