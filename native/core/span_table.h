#pragma once

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
    clear(part);
    if (!part.empty()) entries_.push_back({part, std::move(value)});
  }

  /// What was known of `part` stays true beside `value`: `join(known, value)` where there was
  /// something.
  template <class Join>
  void add(ByteSpan part, Value const& value, Join&& join) {
    std::vector<Entry> inside;
    for (Entry const& old : entries_) {
      if (!old.part.meets(part)) continue;
      int64_t const first = old.part.first > part.first ? old.part.first : part.first;
      int64_t const end = old.part.end < part.end ? old.part.end : part.end;
      inside.push_back({{first, end}, join(old.value, value)});
    }
    set(part, value);
    for (Entry& entry : inside) set(entry.part, std::move(entry.value));
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
  std::vector<Entry> entries_;
};

}  // namespace fattn
