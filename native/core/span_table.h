#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace fattn {

/// Bytes [first, end) of a storage.
struct ByteSpan {
  int64_t first = 0, end = 0;

  bool empty() const { return end <= first; }
  bool meets(ByteSpan other) const {
    return !empty() && !other.empty() && first < other.end && other.first < end;
  }
};

/// What is known of parts of a storage: disjoint spans, each with a value.
template <class Value>
class SpanTable {
 public:
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

  /// visit(value) for every span that meets `part`, until one returns true.
  template <class Visit>
  void visit(ByteSpan part, Visit&& visit) const {
    for (Entry const& entry : entries_)
      if (entry.part.meets(part) && visit(entry.value)) return;
  }

  /// Nothing is known of `part` any more.
  void clear(ByteSpan part) {
    std::vector<Entry> rest;
    for (Entry& old : entries_) {
      if (!old.part.meets(part)) {
        rest.push_back(std::move(old));
        continue;
      }
      auto const [first, end] = old.part;
      if (first < part.first) rest.push_back({{first, part.first}, old.value});
      if (part.end < end) rest.push_back({{part.end, end}, old.value});
    }
    entries_.swap(rest);
  }

  /// Of what was known of `part` nothing counts any more.
  void set(ByteSpan part, Value value) {
    if (part.empty()) return;
    clear(part);
    auto const behind = [&](Entry const& entry) { return part.first < entry.part.first; };
    entries_.insert(std::ranges::find_if(entries_, behind), Entry{part, std::move(value)});
  }

  /// What was known of `part` stays true beside `value`: `join(known, value)` where there was
  /// something.
  template <class Join>
  void add(ByteSpan part, Value const& value, Join&& join) {
    if (part.empty()) return;
    std::vector<Entry> all;
    all.reserve(2 * entries_.size() + 1);
    int64_t next = part.first;  // of `part`, the first byte that is not in `all`
    auto const add_until = [&](int64_t end) {
      if (next < end) all.push_back({{next, end}, value});
    };
    for (Entry const& old : entries_) {
      auto const [first, end] = old.part;
      if (first >= part.end) {
        add_until(part.end);
        next = part.end;
      }
      if (!old.part.meets(part)) {
        all.push_back(old);
        continue;
      }
      ByteSpan const inside{std::max(first, part.first), std::min(end, part.end)};
      add_until(inside.first);
      if (first < inside.first) all.push_back({{first, inside.first}, old.value});
      all.push_back({inside, join(old.value, value)});
      if (inside.end < end) all.push_back({{inside.end, end}, old.value});
      next = inside.end;
    }
    add_until(part.end);
    entries_.swap(all);
  }

  template <class Predicate>
  void erase_if(Predicate&& predicate) {
    std::erase_if(entries_, [&](Entry const& entry) { return predicate(entry.value); });
  }

 private:
  struct Entry {
    ByteSpan part;
    Value value;
  };
  std::vector<Entry> entries_;  // in the order of their spans
};

}  // namespace fattn
