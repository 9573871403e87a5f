// The decode kernel's product of query rows and keys.
//
// Two rows share a vector, one in each half, and meet a key that is loaded into both halves: then
// half as many vectors are left to be reduced to scores as there are pairs of row and key, at the
// cost of loads, of which the core has some to spare. (Four rows on Zen 5, keys in the second-level
// cache, in isolation: 105 instead of 80 GB/s at d = 64, 118 instead of 96 at d = 128.)
#pragma once

#include <type_traits>

#include "backends/cpu/attention/ahead.h"
#include "backends/cpu/attention/softmax.h"

namespace fattn::cpu {

/// How a chunk of kLanes elements of a key becomes vectors, each with what it holds in both halves.
/// Which element goes where is the source's business: queries go the same way.
template <class Isa, class Source>
struct KeyChunk {
  using Vector = typename Isa::F;
  static constexpr int kVectors = 2;
  [[gnu::always_inline]] static void load(typename Source::Element const* p, Vector* x) {
    Source::load_twice(p, x);
  }
  [[gnu::always_inline]] static typename Isa::F multiply_add(Vector a, Vector b,
                                                             typename Isa::F acc) {
    return Isa::fma(a, b, acc);
  }
};
template <class Isa>
  requires(Isa::kBf16Dot)
struct KeyChunk<Isa, Bf16Source<Isa>> {
  using Vector = typename Isa::I;
  static constexpr int kVectors = 1;
  [[gnu::always_inline]] static void load(uint16_t const* p, Vector* x) {
    x[0] = Isa::load_twice(reinterpret_cast<int32_t const*>(p));
  }
  [[gnu::always_inline]] static typename Isa::F multiply_add(Vector a, Vector b,
                                                             typename Isa::F acc) {
    return Isa::dot(a, b, acc);
  }
};

/// kRows is 1, 2 or 4.
template <class Isa, class Source, int kRows>
class KeyProduct {
 public:
  using Element = typename Source::Element;

  /// Writes row `r` of a set where score() expects it: what meets one chunk of a key lies together.
  static void pack(Element const* row, int depth, int r, float* q) {
    for (int c = 0; c < depth; c += kLanes) {
      Vector x[kVectors];
      load_upto(row + c, depth - c, x);
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n, q += kSums * kLanes) {
        put(q + r / kShare * kLanes + r % kShare * kPart, x[n]);
      }
    }
  }

  /// scores[r][i] = q[r] . k[i] for the keys [0, keys) of the run; rows of scores are
  /// kDecodeBlockKeys apart.
  [[gnu::noinline]] static void score(float const* q, Element const* k, int64_t k_stride, int keys,
                                      int depth, float* scores, Ahead& shared_ahead) {
    Ahead ahead = shared_ahead;  // in registers
    int first = 0;
    for (; first + kKeys <= keys; first += kKeys, k += kKeys * k_stride) {
      score_some(q, k, k_stride, kKeys, depth, scores + first, ahead);
    }
    if (first < keys) {
      score_some(q, k, k_stride, keys - first, depth, scores + first, ahead);
    }
    shared_ahead = ahead;
  }

 private:
  using F = typename Isa::F;
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kShare = kRows == 1 ? 1 : 2;  // rows in a vector
  static constexpr int kPart = kLanes / kShare;      // lanes of each
  static constexpr int kSums = kRows / kShare;       // vectors of sums per key
  static constexpr int kKeys = Isa::kDecodeSums / kSums;
  static_assert(kKeys % kPart == 0);

  /// Up to kKeys keys.
  [[gnu::always_inline]] static void score_some(float const* q, Element const* k, int64_t k_stride,
                                                int keys, int depth, float* scores, Ahead& ahead) {
    // Past the last key its row stands in: those scores are hidden later.
    Element const* rows[kKeys] = {k};
    FATTN_UNROLL for (int i = 1; i < kKeys; ++i) {
      rows[i] = rows[i - 1] + (i < keys ? k_stride : 0);
    }
    F acc[kSums][kKeys] = {};
    int c = 0;
    for (; c + kLanes <= depth; c += kLanes, q += kVectors * kSums * kLanes) {
      ahead.template advance<kKeys * kLanes* static_cast<int>(sizeof(Element))>();
      multiply_add(acc, q,
                   [&](int i, Vector* x) [[gnu::always_inline]] { Chunk::load(rows[i] + c, x); });
    }
    if (c < depth) {
      ahead.template advance<kKeys * kLanes* static_cast<int>(sizeof(Element))>();
      multiply_add(acc, q, [&](int i, Vector* x) [[gnu::always_inline]] {
        load_upto(rows[i] + c, depth - c, x);
      });
    }
    FATTN_UNROLL for (int s = 0; s < kSums; ++s) {
      FATTN_UNROLL for (int i = 0; i < kKeys; i += kPart) {
        store_sums(acc[s] + i, scores + s * kShare * kDecodeBlockKeys + i);
      }
    }
  }

  struct PlainChunk {
    using Vector = F;
    static constexpr int kVectors = 1;
    [[gnu::always_inline]] static void load(Element const* p, F* x) { x[0] = Source::load(p); }
    [[gnu::always_inline]] static F multiply_add(F a, F b, F acc) { return Isa::fma(a, b, acc); }
  };
  using Chunk = std::conditional_t<kRows == 1, PlainChunk, KeyChunk<Isa, Source>>;
  using Vector = typename Chunk::Vector;
  static constexpr int kVectors = Chunk::kVectors;

  [[gnu::always_inline]] static void load_upto(Element const* p, int count, Vector* x) {
    if (count >= kLanes) return Chunk::load(p, x);
    Element padded[kLanes] = {};
    for (int i = 0; i < count; ++i) padded[i] = p[i];
    Chunk::load(padded, x);
  }

  [[gnu::always_inline]] static void put(float* target, Vector x) {
    float lanes[kLanes];
    Isa::store(lanes, (F)x);
    for (int i = 0; i < kPart; ++i) target[i] = lanes[i];
  }

  template <class Load>
  [[gnu::always_inline]] static void multiply_add(F (&acc)[kSums][kKeys], float const* q,
                                                  Load load) {
    Vector q_vectors[kSums][kVectors];
    FATTN_UNROLL for (int s = 0; s < kSums; ++s) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        q_vectors[s][n] = (Vector)Isa::load(q + (n * kSums + s) * kLanes);
      }
    }
    FATTN_UNROLL for (int i = 0; i < kKeys; ++i) {
      Vector x[kVectors];
      load(i, x);
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        FATTN_UNROLL for (int s = 0; s < kSums; ++s) {
          acc[s][i] = Chunk::multiply_add(q_vectors[s][n], x[n], acc[s][i]);
        }
      }
    }
  }

  /// Scores of kPart keys and the rows that share a vector.
  [[gnu::always_inline]] static void store_sums(F* acc, float* scores) {
    if constexpr (kShare == 1) {
      Isa::store(scores, Isa::template reduce_rows<SumOf<Isa>>(acc));
    } else {
      F const sums = Isa::template reduce_half_rows<SumOf<Isa>>(acc);
      Isa::template store_half<0>(scores, sums);
      Isa::template store_half<1>(scores + kDecodeBlockKeys, sums);
    }
  }
};

}  // namespace fattn::cpu
