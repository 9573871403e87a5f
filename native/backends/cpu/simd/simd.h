// The vector vocabulary of the CPU kernels, on the compiler's vector extensions: what every
// instruction set has in common. `Isa` tags every instantiation, so that nothing compiled for one
// instruction set can be linked into another. What the extensions lack (fma, max, f16 conversion,
// …) lies in avx512.h and kin.
#pragma once

#include <cstdint>
#include <utility>

#include "simt/annotations.h"

namespace fattn::cpu {

/// Vector types of 4, 8 and 16 lanes. The unaligned ones are for memory only.
template <int kLanes>
struct VectorTypes;
template <>
struct VectorTypes<4> {
  typedef float F __attribute__((vector_size(16)));
  typedef int32_t I __attribute__((vector_size(16)));
  typedef uint32_t U __attribute__((vector_size(16)));
  typedef float UnalignedF __attribute__((vector_size(16), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(16), aligned(2), may_alias));
  typedef uint16_t H __attribute__((vector_size(8), aligned(2), may_alias));
  typedef float HalfF __attribute__((vector_size(8), aligned(4), may_alias));
  typedef int32_t HalfI __attribute__((vector_size(8), aligned(2), may_alias));
};
template <>
struct VectorTypes<8> {
  typedef float F __attribute__((vector_size(32)));
  typedef int32_t I __attribute__((vector_size(32)));
  typedef uint32_t U __attribute__((vector_size(32)));
  typedef float UnalignedF __attribute__((vector_size(32), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(32), aligned(2), may_alias));
  typedef uint16_t H __attribute__((vector_size(16), aligned(2), may_alias));
  typedef float HalfF __attribute__((vector_size(16), aligned(4), may_alias));
  typedef int32_t HalfI __attribute__((vector_size(16), aligned(2), may_alias));
};
template <>
struct VectorTypes<16> {
  typedef float F __attribute__((vector_size(64)));
  typedef int32_t I __attribute__((vector_size(64)));
  typedef uint32_t U __attribute__((vector_size(64)));
  typedef float UnalignedF __attribute__((vector_size(64), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(64), aligned(2), may_alias));
  typedef uint16_t H __attribute__((vector_size(32), aligned(2), may_alias));
  typedef float HalfF __attribute__((vector_size(32), aligned(4), may_alias));
  typedef int32_t HalfI __attribute__((vector_size(32), aligned(2), may_alias));
};

template <class Isa, int kLanes_>
struct Simd : VectorTypes<kLanes_> {
  static constexpr int kLanes = kLanes_;
  using typename VectorTypes<kLanes_>::F;
  using typename VectorTypes<kLanes_>::I;
  using typename VectorTypes<kLanes_>::U;
  using typename VectorTypes<kLanes_>::H;
  using typename VectorTypes<kLanes_>::UnalignedF;
  using typename VectorTypes<kLanes_>::UnalignedI;
  using typename VectorTypes<kLanes_>::HalfF;
  using typename VectorTypes<kLanes_>::HalfI;

  [[gnu::always_inline]] static F load(float const* p) { return *(UnalignedF const*)p; }
  [[gnu::always_inline]] static I load(int32_t const* p) { return *(UnalignedI const*)p; }
  /// kLanes / 2 elements, in the lower and again in the upper half.
  [[gnu::always_inline]] static F load_twice(float const* p) {
    return repeat_of(*(HalfF const*)p, Lanes{});
  }
  [[gnu::always_inline]] static I load_twice(int32_t const* p) {
    return repeat_of(*(HalfI const*)p, Lanes{});
  }
  /// Its lower half, or its upper, in both halves.
  [[gnu::always_inline]] static F low_twice(F x) { return part_twice<0>(x, Lanes{}); }
  [[gnu::always_inline]] static F high_twice(F x) { return part_twice<kLanes / 2>(x, Lanes{}); }
  [[gnu::always_inline]] static void store(float* p, F x) { *(UnalignedF*)p = x; }
  /// The lower (0) or upper (1) half.
  template <int kHalf>
  [[gnu::always_inline]] static void store_half(float* p, F x) {
    *(HalfF*)p = half_of<kHalf>(x, std::make_integer_sequence<int, kLanes / 2>{});
  }
  [[gnu::always_inline]] static void store(int32_t* p, I x) { *(UnalignedI*)p = x; }
  [[gnu::always_inline]] static F set1(float x) { return x - F{}; }
  [[gnu::always_inline]] static I set1(int32_t x) { return x - I{}; }
  [[gnu::always_inline]] static F zero() { return F{}; }
  /// 0, 1, 2, …
  [[gnu::always_inline]] static I iota() { return iota_of(Lanes{}); }
  /// Lanes of `a` where the mask is all ones, of `b` where it is zero.
  [[gnu::always_inline]] static F select(I mask, F a, F b) { return mask ? a : b; }
  [[gnu::always_inline]] static F as_float(I x) { return (F)x; }
  [[gnu::always_inline]] static I as_int(F x) { return (I)x; }
  [[gnu::always_inline]] static F abs(F x) { return as_float(as_int(x) & 0x7fffffff); }

  /// a0, b0, a1, b1, … of the lower or the upper halves.
  [[gnu::always_inline]] static F interleave_low(F a, F b) {
    return interleave_of<0>(a, b, Lanes{});
  }
  [[gnu::always_inline]] static F interleave_high(F a, F b) {
    return interleave_of<kLanes / 2>(a, b, Lanes{});
  }

  /// bfloat16 is the upper half of a float.
  [[gnu::always_inline]] static F widen_bf16(uint16_t const* p) {
    return as_float((I)(__builtin_convertvector(*(H const*)p, U) << 16));
  }
  /// Bits of the bfloat16 nearest to each lane, ties to even; NaN stays NaN.
  [[gnu::always_inline]] static U bf16_bits(F x) {
    U bits = (U)x;
    U rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    U quiet = (bits >> 16) | 0x40;
    return (x == x) ? rounded : quiet;
  }
  [[gnu::always_inline]] static void store_bf16(uint16_t* p, F x) {
    *(H*)p = __builtin_convertvector(bf16_bits(x), H);
  }

  /// One vector whose lane i is the reduction of rows[i], by `Combine::apply(a, b)`. Destroys rows.
  template <class Combine>
  [[gnu::always_inline]] static F reduce_rows(F* rows) {
    reduce_to_quads<Combine, kLanes>(rows);
    return reduce_quads<Combine>(rows);
  }

  /// The same for the halves of rows[0] to rows[kLanes / 2 - 1]: of the lower halves in the lower
  /// half, of the upper ones in the upper.
  template <class Combine>
  [[gnu::always_inline]] static F reduce_half_rows(F* rows) {
    if constexpr (kLanes == 4) return fold<Combine, 1>(rows[0], rows[1]);
    if constexpr (kLanes == 8) return reduce_quads<Combine>(rows);
    if constexpr (kLanes == 16) {
      FATTN_UNROLL for (int i = 0; i < 4; ++i) rows[i] = fold_quads<Combine>(rows[i], rows[i + 4]);
      return swap_middle(reduce_quads<Combine>(rows), Lanes{});
    }
  }

  /// All lanes reduced to one value, in the order of a tree.
  template <class Combine>
  [[gnu::always_inline]] static float reduce(F x) {
    return reduce_lanes<Combine, kLanes / 2>(x)[0];
  }

  /// rows becomes its transpose.
  [[gnu::always_inline]] static void transpose(F* rows) { transpose_step<1>(rows); }

 private:
  using Lanes = std::make_integer_sequence<int, kLanes_>;

  template <int... i>
  [[gnu::always_inline]] static I iota_of(std::integer_sequence<int, i...>) {
    return I{i...};
  }
  /// Lane i of the first where bit kBit of i is clear, else lane i - kBit of the second: the even
  /// half of a pair.
  template <int kBit, int... i>
  [[gnu::always_inline]] static F even_half(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, ((i & kBit) ? i - kBit + kLanes_ : i)...);
  }
  /// Lane i + kBit of the first where bit kBit of i is clear, else lane i of the second.
  template <int kBit, int... i>
  [[gnu::always_inline]] static F odd_half(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, ((i & kBit) ? i + kLanes_ : i + kBit)...);
  }

  template <int kFirst, int... i>
  [[gnu::always_inline]] static F interleave_of(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (kFirst + i / 2 + i % 2 * kLanes_)...);
  }
  template <class Half, int... i>
  [[gnu::always_inline]] static auto repeat_of(Half x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (i % (kLanes / 2))...);
  }
  template <int kFirst, int... i>
  [[gnu::always_inline]] static F part_twice(F x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (kFirst + i % (kLanes / 2))...);
  }
  template <int kBit, int... i>
  [[gnu::always_inline]] static F swap_halves(F x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (i ^ kBit)...);
  }
  template <class Combine, int kHalf>
  [[gnu::always_inline]] static F reduce_lanes(F x) {
    if constexpr (kHalf >= 1) {
      return reduce_lanes<Combine, kHalf / 2>(Combine::apply(x, swap_halves<kHalf>(x, Lanes{})));
    } else {
      return x;
    }
  }

  // Folds halve the number of vectors: they reduce lanes or blocks of lanes in pairs, of two
  // vectors into one. Each takes two shuffles of two vectors that an instruction does with a
  // constant.

  /// Lanes i with i & kBit == 0 and i + kBit; of the second vector to where the latter were.
  template <class Combine, int kBit>
  [[gnu::always_inline]] static F fold(F a, F b) {
    return Combine::apply(even_half<kBit>(a, b, Lanes{}), odd_half<kBit>(a, b, Lanes{}));
  }
  /// Blocks of kBlock lanes and the next, of `a` in the lower half of each 4 kBlock, of `b` in the
  /// upper.
  template <int kBlock, int kOdd, int... i>
  [[gnu::always_inline]] static F every_other(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b,
                                   (i / (4 * kBlock) * (4 * kBlock) +       // the group of 4
                                    (i / kBlock % 2 * 2 + kOdd) * kBlock +  // the block in it
                                    i % kBlock + (i / kBlock % 4 / 2 * kLanes_))...);
  }
  template <class Combine, int kBlock>
  [[gnu::always_inline]] static F fold_blocks(F a, F b) {
    return Combine::apply(every_other<kBlock, 0>(a, b, Lanes{}),
                          every_other<kBlock, 1>(a, b, Lanes{}));
  }
  template <class Combine>
  [[gnu::always_inline]] static F fold_quads(F a, F b) {
    return fold_blocks<Combine, 4>(a, b);
  }
  /// Quad j of the results 0 to 3 has yet to be reduced to lanes 4 j to 4 j + 3.
  template <class Combine, int kCount>
  [[gnu::always_inline]] static void reduce_to_quads(F* rows) {
    if constexpr (kCount == 8) {
      FATTN_UNROLL for (int i = 0; i < 4; ++i) rows[i] = fold<Combine, 4>(rows[i], rows[i + 4]);
    } else if constexpr (kCount == 16) {
      FATTN_UNROLL for (int i = 0; i < 4; ++i) {
        rows[i] = fold_quads<Combine>(fold<Combine, 8>(rows[i], rows[i + 4]),
                                      fold<Combine, 8>(rows[i + 8], rows[i + 12]));
      }
    }
  }
  /// Lane i of each quad is the reduction of that quad of rows[i].
  template <class Combine>
  [[gnu::always_inline]] static F reduce_quads(F* rows) {
    return fold_blocks<Combine, 1>(fold<Combine, 2>(rows[0], rows[1]),
                                   fold<Combine, 2>(rows[2], rows[3]));
  }
  template <int... i>
  [[gnu::always_inline]] static F swap_middle(F x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (i / 4 % 3 == 0 ? i : i < 8 ? i + 4 : i - 4)...);
  }
  template <int kHalf, int... i>
  [[gnu::always_inline]] static auto half_of(F x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (kHalf * kLanes / 2 + i)...);
  }

  /// Swaps the off-diagonal blocks of size kBlock in every 2 kBlock square.
  template <int kBlock>
  [[gnu::always_inline]] static void transpose_step(F* rows) {
    if constexpr (kBlock < kLanes_) {
      FATTN_UNROLL for (int i = 0; i < kLanes_; ++i) {
        if (i & kBlock) continue;
        F const a = rows[i], b = rows[i + kBlock];
        rows[i] = even_half<kBlock>(a, b, Lanes{});
        rows[i + kBlock] = odd_half<kBlock>(a, b, Lanes{});
      }
      transpose_step<kBlock * 2>(rows);
    }
  }
};

/// For reductions: sums.
template <class Isa>
struct SumOf {
  using F = typename Isa::F;
  [[gnu::always_inline]] static F apply(F a, F b) { return a + b; }
};

}  // namespace fattn::cpu
