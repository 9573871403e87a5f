#include <string>

#include "core/span_table.h"
#include "test.h"

namespace fattn::test {
namespace {

using Table = SpanTable<std::string>;

std::string join(std::string const& a, std::string const& b) { return a + b; }

/// What is known of each of `count` bytes, '.' where nothing is.
std::string bytes_of(Table const& table, int64_t count) {
  std::string all;
  for (int64_t byte = 0; byte < count; ++byte) {
    std::string known;
    table.visit({byte, byte + 1}, [&](std::string const& value) {
      known += known.empty() ? value : "|" + value;
      return false;
    });
    all += known.empty() ? "." : known;
  }
  return all;
}

TEST(core_span_table_the_later_of_two_counts) {
  Table table;
  expect(table.empty());
  table.set({1, 5}, "a");
  table.set({3, 7}, "b");
  expect_equal(bytes_of(table, 8), std::string(".aabbbb."));
  table.set({2, 2}, "c");
  table.set({4, 5}, "d");
  expect_equal(bytes_of(table, 8), std::string(".aabdbb."));
  table.clear({0, 4});
  expect_equal(bytes_of(table, 8), std::string("....dbb."));
  table.clear({0, 8});
  expect(table.empty());
}

TEST(core_span_table_adds_to_what_was_known) {
  Table table;
  table.set({1, 3}, "a");
  table.set({4, 6}, "b");
  table.add({2, 5}, "c", join);
  expect_equal(bytes_of(table, 7), std::string(".aaccbcb."));
}

TEST(core_span_table_adds_whatever_the_order_was) {
  Table table;
  for (int64_t const first : {8, 0, 4, 2, 6}) table.set({first, first + 1}, "a");
  table.add({3, 3}, "x", join);
  table.add({1, 7}, "b", join);
  expect_equal(bytes_of(table, 10), std::string("ababbabbab.a."));
  table.add({0, 10}, "c", join);
  expect_equal(bytes_of(table, 10), std::string("acbcabcbcabcbcabccacc"));
  table.set({2, 9}, "d");
  table.add({1, 4}, "e", join);
  expect_equal(bytes_of(table, 10), std::string("acbcedededddddc"), "both ends within a span");
}

TEST(core_span_table_visits_until_it_is_told_enough) {
  Table table;
  table.set({0, 1}, "a");
  table.set({1, 2}, "b");
  int visits = 0;
  table.visit({0, 2}, [&](std::string const&) { return ++visits == 1; });
  expect_equal(visits, 1);
  table.visit({2, 9}, [&](std::string const&) { return ++visits > 0; });
  expect_equal(visits, 1);
  table.erase_if([](std::string const& value) { return value == "a"; });
  expect_equal(table.size(), size_t{1});
  expect_equal(bytes_of(table, 2), std::string(".b"));
}

}  // namespace
}  // namespace fattn::test
