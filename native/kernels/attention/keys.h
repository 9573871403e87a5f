// The key source axis: where the rows of the next tile of keys or values lie. A source answers two
// questions about a key, counted from the start of its sequence: whether it is there, and where.
// Keys that lie one after the other are here, those that a list names in sparse/source.h.
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

template <class Element>
FATTN_DEVICE ContiguousKeys<Element> contiguous_keys(TokenRows const& rows, SequenceRange const& s,
                                                     int32_t head, int32_t end) {
  return {row_of<Element>(rows, s.index, s.first_k, 0, head), rows.row, end};
}

}  // namespace fattn
