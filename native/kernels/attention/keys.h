// The key source axis: where the rows of the next tile of keys or values lie. A source answers two
// questions about a key, counted from the start of its sequence: whether it is there, and where.
#pragma once

#include "kernels/attention/row.h"

namespace fattn {

/// Keys (or values) of one head that lie one after the other.
template <class Element_>
struct ContiguousKeys {
  using Element = Element_;
  Element const* first;  // of key 0
  int64_t stride;        // elements from one key to the next
  int32_t end;           // keys at and after it are not there

  FATTN_DEVICE bool has(int32_t key) const { return key < end; }
  FATTN_DEVICE Element const* row(int32_t key) const { return first + key * stride; }
};

/// Keys (or values) of one head that a list names.
template <class Element_>
struct IndexedKeys {
  using Element = Element_;
  Element const* first;  // of key 0
  int64_t stride;        // elements from one key to the next
  int32_t const* keys;   // the list
  int32_t end;           // places at and after it hold nothing

  FATTN_DEVICE bool has(int32_t place) const { return place < end; }
  FATTN_DEVICE int32_t token(int32_t place) const { return keys[place]; }
  FATTN_DEVICE Element const* row(int32_t place) const { return first + keys[place] * stride; }
};

template <class Element>
FATTN_DEVICE ContiguousKeys<Element> contiguous_keys(TokenRows const& rows, SequenceRange const& s,
                                                     int32_t head, int32_t end) {
  return {row_of<Element>(rows, s.index, s.first_k, 0, head), rows.row, end};
}

}  // namespace fattn
