// The order of the keys of a list from best to worst, and how it came about: a merge sort that
// remembers its merges. It halves the keys by their index again and again; a node of level l holds
// 2^l keys with consecutive indices, in order, and one bit per place says from which half the key
// came. These bits answer in l steps how many of the best r keys lie in front of an index, and
// which index the n-th of them has, for a merge sort read backwards is a search tree.
//
// s keys take O(s log^2 s) comparisons: log s levels, each of which searches the place of every key
// in at most l steps, all keys at a time. They take 16 s bytes for the keys and 2 s log s bits for
// the merges. Nothing of it depends on the scores or on how many keys are kept.
#pragma once

#include "simt/simt.h"

namespace fattn {

/// NaN has been replaced by -inf.
struct alignas(8) RankedKey {
  float score;
  int32_t key;
};

/// 32 places of a level: which of them came from the first half of their node, and how many such
/// places precede them in it. Nodes of up to 32 places lie within a word, nothing precedes them.
struct alignas(8) MergeWord {
  uint32_t from_first;
  int32_t before;
};

/// Lists of the same number of keys, one after the other.
struct KeyRanking {
  RankedKey* order;  // [lists][keys], by place: what nodes hold side by side
  MergeWord* words;  // [lists][levels][level_words]
  int32_t keys;
  int32_t levels;       // the first that is one node; 0 where there is no more than one key
  int32_t level_words;  // 32 places each

  FATTN_DEVICE RankedKey* order_of(int32_t list) const { return order + int64_t{list} * keys; }
  /// Of levels 1 .. levels.
  FATTN_DEVICE MergeWord* words_of(int32_t list, int32_t level) const {
    return words + (int64_t{list} * levels + (level - 1)) * level_words;
  }
};

/// A node, or the `size` keys that the end of the list leaves of it; its halves are in order.
struct MergeNode {
  int32_t half;  // places of the first half
  int32_t size;
  int32_t place;  // in the node, of the merged order; may lie behind its end
};

FATTN_DEVICE MergeNode merge_node(int32_t level, int32_t place, int32_t places) {
  int32_t const begin = place >> level << level;
  int32_t const rest = places - begin, full = int32_t{1} << level;
  return {full / 2, rest < full ? rest : full, place - begin};
}

/// How many keys of the first half come before a place of the merged order. score(i) is that of
/// place i of the halves side by side. Of equal scores those of the first half are better, whose
/// indices are lower.
template <class Score>
FATTN_DEVICE int32_t from_first_before(MergeNode const& node, Score const& score) {
  int32_t const second = node.size > node.half ? node.size - node.half : 0;
  int32_t low = node.place > second ? node.place - second : 0;
  int32_t high = node.size < node.half ? node.size : node.half;
  if (node.place < high) high = node.place;
  while (low < high) {
    int32_t const middle = (low + high) / 2;
    if (score(middle) >= score(node.half + node.place - 1 - middle))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// Merges the places of a word, one per lane: notes where they come from, and returns that of this
/// lane as a place of the halves side by side; -1 behind the end, which is not where a word begins.
template <class Score>
FATTN_DEVICE int32_t merge_place(MergeNode const& node, MergeWord& word, Score const& score) {
  int32_t const taken = from_first_before(node, score);
  int32_t const other = node.half + node.place - taken;
  bool const ends = taken == node.half || taken == node.size;  // the first half is used up
  bool const exists = node.place < node.size;
  bool const from_first = exists && !ends && (other >= node.size || score(taken) >= score(other));
  uint32_t const bits = simt::ballot(from_first);
  if (simt::lane_index() == 0) word = {bits, taken};
  return !exists ? -1 : from_first ? taken : other;
}

/// Bits 0 .. count - 1, of 0 to 31.
FATTN_DEVICE uint32_t bits_below(int32_t count) { return (uint32_t{1} << count) - 1; }

/// Goes down the tree of a list with the best `best` keys, at each node with those that it holds.
class RankDescent {
 public:
  FATTN_DEVICE RankDescent(KeyRanking const& ranking, int32_t list, int32_t best)
      : ranking_(ranking), list_(list), level_(ranking.levels), best_(best) {}

  /// Whether the node has halves, and then how many of its keys are in the first.
  FATTN_DEVICE bool has_halves() {
    if (level_ == 0) return false;
    in_first_ = 0;
    if (best_ == 0) return true;
    int32_t const last = begin_ + best_ - 1;
    MergeWord const word = ranking_.words_of(list_, level_)[last / simt::kWarpSize];
    uint32_t const upto = bits_below(last % simt::kWarpSize) << 1 | 1;
    in_first_ = word.before +
                simt::count_ones(word.from_first & upto & ~bits_below(begin_ % simt::kWarpSize));
    return true;
  }
  FATTN_DEVICE int32_t in_first() const { return in_first_; }
  FATTN_DEVICE int32_t second_begin() const { return begin_ + (int32_t{1} << (level_ - 1)); }

  FATTN_DEVICE void enter_first() {
    --level_;
    best_ = in_first_;
  }
  FATTN_DEVICE void enter_second() {
    --level_;
    begin_ += int32_t{1} << level_;
    best_ -= in_first_;
  }

  /// The first index of the node, and how many of the best it holds.
  FATTN_DEVICE int32_t begin() const { return begin_; }
  FATTN_DEVICE int32_t best() const { return best_; }

 private:
  KeyRanking const& ranking_;
  int32_t list_, level_;
  int32_t begin_ = 0;
  int32_t best_;
  int32_t in_first_ = 0;
};

/// How many of the best `best` keys have an index below `index`.
FATTN_DEVICE int32_t best_below(KeyRanking const& ranking, int32_t list, int32_t best,
                                int32_t index) {
  int32_t below = 0;
  RankDescent at(ranking, list, best);
  while (at.has_halves()) {
    if (index < at.second_begin()) {
      at.enter_first();
    } else {
      below += at.in_first();
      at.enter_second();
    }
  }
  return at.begin() < index ? below + at.best() : below;
}

/// The n-th of the indices of the best `best` keys, in ascending order; 1 <= n <= best.
FATTN_DEVICE int32_t nth_of_best(KeyRanking const& ranking, int32_t list, int32_t best, int32_t n) {
  RankDescent at(ranking, list, best);
  while (at.has_halves()) {
    if (n <= at.in_first()) {
      at.enter_first();
    } else {
      n -= at.in_first();
      at.enter_second();
    }
  }
  return at.begin();
}

}  // namespace fattn
